"""Schemas of what commands print: each field has words, and the page is made of them."""

import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from autopelt.views.answers import COMMANDS, schema_of

ROOT = Path(__file__).resolve().parents[2]


def properties(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every field, in whatever it lies."""
    for name, field in schema.get("properties", {}).items():
        yield name, field
        yield from properties(field)
    for inner in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())):
        yield from properties(inner)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_field_has_words(command: str) -> None:
    fields = [pair for pair in properties(schema_of(command)) if pair[0] != "event"]
    assert len(fields) >= 4
    assert [name for name, field in fields if not field.get("description")] == []


def test_the_page_is_what_the_schemas_say() -> None:
    spec = importlib.util.spec_from_file_location("make_events", ROOT / "docs/make_events.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert made.PAGE.read_text("utf-8") == made.page(), "run: python docs/make_events.py"
