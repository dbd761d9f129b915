"""Makes docs/events.md of the schemas of what commands print for programs.

Run it as: python docs/make_events.py. A test fails while page and schemas differ.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autopelt.views.answers import ANSWERS, ERROR, EVENTS

PAGE = Path(__file__).with_name("events.md")

INTRODUCTION = """\
# What commands tell a program

Made by `python docs/make_events.py` of the schemas in the code; a test keeps it so, another runs
every command against its schema.

Every command takes `--json`. Standard output then has JSON and nothing else, in ASCII, one object a
line; what is said to people goes to standard error. A number that does not exist (a loss that is
not finite) is `null`. Exit codes are [the usual ones](commands.md#exit-codes).

A command that ends at once prints one object. A command that goes on for a while prints an object
for each event as it happens, with `event`, its kind, and `time`, seconds since 1970; the last is
`done`, which is the result. A command that fails ends with the event `error` instead.

```sh
autopelt status reports/rte-minilm-1pct --json | jq .best.expected
autopelt search --task demo --budget 1% --json | tee events.jsonl
autopelt validate --schema search          # the JSON schema (draft 2020-12) of these lines
```

The commands are versioned with the program: within a major version fields are added, never renamed.
"""


def page() -> str:
    """The whole page."""
    apart: dict[str, str] = {}
    parts = [INTRODUCTION, "## Errors\n", table(ERROR, apart)]
    parts.append("## Commands that end at once\n")
    for command, known in ANSWERS.items():
        parts += [f"### autopelt {command}\n", table(known, apart)]
    parts.append("## Commands that go on for a while\n")
    for command, kinds in EVENTS.items():
        parts.append(f"### autopelt {command}\n")
        if command == "resume":
            parts.append("As `search`, without `price`, which `--dry-run` prints.\n")
            continue
        for kind, known in kinds.items():
            parts += [f"`{kind}`:\n" if known else "", table(known, apart)]
    parts.append("## Objects within these\n")
    for title, made in apart.items():
        parts += [f"### {title}\n", made]
    return "\n".join(parts).rstrip() + "\n"


def table(known: Mapping[str, Mapping[str, Any]], apart: dict[str, str]) -> str:
    """Fields with their types and words; objects with a title go apart."""
    rows = ["| field | type | |", "|---|---|---|"]
    rows += [f"| `{name}` | {kind} | {words} |" for name, kind, words in lines(known, apart)]
    return "\n".join([*rows, ""])


def lines(
    known: Mapping[str, Mapping[str, Any]], apart: dict[str, str], within: str = ""
) -> Iterator[tuple[str, ...]]:
    """A line for each field, and for the fields of an object below it."""
    for name, schema in known.items():
        yield f"{within}{name}", kind_of(schema), schema.get("description", "")
        inner, path = schema, f"{within}{name}"
        if "items" in schema:
            inner, path = schema["items"], f"{path}[]"
        for choice in inner.get("anyOf", [inner]):
            if "title" in choice:
                apart.setdefault(choice["title"], table(choice["properties"], apart))
            else:
                yield from lines(choice.get("properties", {}), apart, f"{path}.")


def kind_of(schema: Mapping[str, Any]) -> str:
    """A type for a person: ``number or null``, ``list of string``."""
    if "enum" in schema:
        return ", ".join("null" if value is None else f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(map(kind_of, schema["anyOf"]))
    kinds = schema.get("type", "any")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "title" in schema:
        anchor = schema["title"].replace(" ", "-")
        kinds = [f"[{schema['title']}](#{anchor})", *kinds[1:]]
    words = " or ".join(kinds)
    return f"list of {kind_of(schema['items'])}" if words == "array" else words


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
