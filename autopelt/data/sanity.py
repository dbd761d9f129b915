"""What no text and no label can be: a damaged file, or the wrong columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autopelt.data.readers import Table
from autopelt.errors import UnavailableError, parameter

MOST_OF_A_LABEL = 1000
"""Characters; what is longer is a text, and the columns were mixed up."""

_LABELS = ("label", "tags")


def check(table: Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """Refuse a NUL character, a label as long as a text, and labels that are the texts.

    Args:
        table: where the examples stand, for messages.
        columns: the columns that a task takes of it, under its own names.

    Raises:
        UnavailableError: names the line.
    """
    for name, values in columns.items():
        for row, value in enumerate(values):
            # A kind may make several examples of a row.
            where = table.where(row) if len(values) == len(table) else f"'{table.name}'"
            for text in _texts(value):
                if "\0" in text:
                    raise UnavailableError(
                        f"{where} has a NUL character in what is taken as its {name}; "
                        "remove it, the file may be damaged."
                    )
                if name in _LABELS and len(text) > MOST_OF_A_LABEL:
                    raise UnavailableError(
                        f"{where} has a label of {len(text):,} characters, which begins "
                        f"with '{text[:20]}'; that is a text. Name the right column with "
                        f"{parameter('label')}."
                    )
    labels = columns.get("label", ())
    for name in ("text", "text_pair"):
        texts = columns.get(name, ())
        if labels and len(texts) == len(labels) and all(map(_same, texts, labels)):
            raise UnavailableError(
                f"the labels of '{table.name}' are its texts, so there is nothing to learn; name "
                f"two columns with {parameter(name)} and {parameter('label')}."
            )


def _texts(value: Any) -> Iterator[str]:
    """All texts of a value that may be a list."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))


def _same(text: Any, label: Any) -> bool:
    if not isinstance(label, float):
        return str(text).strip() == str(label)
    try:
        return float(text) == label
    except (TypeError, ValueError):
        return False
