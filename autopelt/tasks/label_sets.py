"""Any number of labels an example, out of a table: lists, separated text, or a column a label."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from autopelt.data.readers import Table
from autopelt.errors import UnavailableError, parameter
from autopelt.tasks.columns import absent, find_column, in_words, named_class, written_value

_YES, _NO = ("1", "true", "yes", "1.0"), ("0", "false", "no", "0.0", "")
_SEPARATORS = (",", ";", "|")
_BRACKETS = re.compile(r"\s*(\[.*\]|\{.*\})\s*", re.DOTALL)
_NO_COMMA = re.compile(r"""['"]\s+['"]""")
"""Between the items of a list, as NumPy prints it; Python would read one word."""


def label_columns(table: Table, label: str) -> list[str]:
    """Columns of zeros and ones, one for each label: ``toxic,obscene,insult``; else none.

    Args:
        label: as the user named it.
    """
    names = [name.strip() for name in label.split(",")]
    several = len(names) > 1 and label not in table and any(name in table for name in names)
    return names if several else []


def label_sets(table: Table, named: Mapping[str, str]) -> list[list[str]]:
    """The labels of each example, in their order, none twice; an example may have none.

    Args:
        named: ``label``, the column, or those of zeros and ones with commas between;
            ``separator``, of labels in a text; ``label_names``, what numbers stand for.

    Raises:
        UnavailableError: a value is neither.
    """
    columns = label_columns(table, named.get("label", ""))
    if columns:
        return _of_columns(table, columns)
    column = find_column(table, named, "label", "labels", "label")
    values = [_listed(table, row, v, column) for row, v in enumerate(table.column(column))]
    _refuse_vectors(table, values, column)
    separator = named.get("separator") or _separator(values)
    sets = []
    for row, value in enumerate(values):
        labels = [] if absent(value) else value
        if isinstance(value, str):
            labels = [part for part in value.split(separator) if part.strip()]
        elif isinstance(value, int) and not isinstance(value, bool):
            labels = [value]  # the only one, in a table of ids
        if not isinstance(labels, list) or not all(map(_plain, labels)):
            raise UnavailableError(
                f"{table.where(row)} has {in_words(value)} in column '{column}', where a list of "
                f"labels is needed, or a text with a {parameter('separator')} between them."
            )
        names = named.get("label_names", "")
        told = [
            named_class(table, row, label, column, names) if names else str(label).strip()
            for label in labels
        ]
        sets.append(list(dict.fromkeys(told)))
    return sets


def _listed(table: Table, row: int, value: Any, column: str) -> Any:
    """The list that is written as text in a table without lists; all else as it is.

    Raises:
        UnavailableError: it has the brackets of a list and is none.
    """
    if not isinstance(value, str) or not _BRACKETS.fullmatch(value):
        return value
    found = written_value(value)
    if not isinstance(found, list) or _NO_COMMA.search(value):
        raise UnavailableError(
            f"{table.where(row)} has {in_words(value)} in column '{column}', which is not written "
            "as a list; write it like ['joy', 'fear'], or without brackets."
        )
    return found


def _refuse_vectors(table: Table, values: Sequence[Any], column: str) -> None:
    """Refuse lists of a 0 or 1 for each label, which are no labels. Raises UnavailableError."""
    lists = [value for value in values if isinstance(value, list)]
    sizes = {len(value) for value in lists}
    marks = all(mark in (0, 1) for value in lists for mark in value)
    if marks and len(sizes) == 1 and min(sizes) > 1:
        paths = ",".join(f"{column}.{place}" for place in range(sizes.pop()))
        written = any(isinstance(value, str) for value in table.column(column))
        way = "write them as columns" if written else f"name each: {parameter('label', paths)}"
        raise UnavailableError(
            f"'{table.name}' has a 0 or 1 for each label in the lists of column '{column}'; {way}."
        )


def _of_columns(table: Table, columns: Sequence[str]) -> list[list[str]]:
    table.require(columns)
    sets: list[list[str]] = [[] for _ in range(len(table))]
    for column in columns:
        for row, value in enumerate(table.column(column)):
            text = "" if absent(value) else str(value).strip().lower()
            if text not in (*_YES, *_NO):
                raise UnavailableError(
                    f"{table.where(row)} has {in_words(value)} in column '{column}'; a column for "
                    "each label has 0 or 1."
                )
            if text in _YES:
                sets[row].append(column)
    return sets


def _separator(values: Sequence[Any]) -> str:
    """The first usual one that stands in a label."""
    texts = [value for value in values if isinstance(value, str)]
    return next((s for s in _SEPARATORS if any(s in text for text in texts)), _SEPARATORS[0])


def _plain(label: Any) -> bool:
    return isinstance(label, str | int) and bool(str(label).strip())
