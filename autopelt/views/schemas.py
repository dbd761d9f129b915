"""Parts of JSON schemas, each with the words that docs/events.md has of it."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]


def text(words: str, *allowed: str) -> Schema:
    """A text, perhaps of few."""
    return {"type": "string", "description": words} | ({"enum": [*allowed]} if allowed else {})


def whole(words: str) -> Schema:
    """A whole number."""
    return {"type": "integer", "description": words}


def number(words: str) -> Schema:
    """Any number."""
    return {"type": "number", "description": words}


def flag(words: str) -> Schema:
    """True or false."""
    return {"type": "boolean", "description": words}


def or_null(schema: Schema) -> Schema:
    """The same, or null where there is none."""
    made = {**schema, "type": [schema["type"], "null"]}
    return made | ({"enum": [*schema["enum"], None]} if "enum" in schema else {})


def several(item: Schema, words: str) -> Schema:
    """A list of these."""
    return {"type": "array", "items": item, "description": words}


def by_name(item: Schema, words: str) -> Schema:
    """These by names that nobody knows before."""
    return {"type": "object", "additionalProperties": item, "description": words}


def fields(known: Mapping[str, Schema], words: str = "", *, title: str = "") -> Schema:
    """An object with all of these fields and no other; the page tells one with a title apart."""
    made = {
        "type": "object",
        "properties": dict(known),
        "required": list(known),
        "additionalProperties": False,
    }
    said = {"title": title, "description": words}
    return made | {key: value for key, value in said.items() if value}
