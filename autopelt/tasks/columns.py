"""The columns of a user's table that a kind of task needs, checked example by example."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from autopelt.data.readers import Table
from autopelt.errors import UnavailableError, parameter

TAG_COLUMNS = ("tags", "ner_tags")
"""Usual names of a column of tags."""


def text_columns(table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
    """``text``, and ``text_pair`` where it is named. Raises UnavailableError."""
    columns: dict[str, list[Any]] = {
        "text": texts(table, find_column(table, named, "text", "text"))
    }
    if named.get("text_pair"):
        columns["text_pair"] = texts(table, find_column(table, named, "text_pair"))
    return columns


def class_names(table: Table, named: Mapping[str, str]) -> list[str]:
    """The labels as names of classes. Raises UnavailableError for one that is missing."""
    label = find_column(table, named, "label", "label")
    return [_class(table, row, v, label) for row, v in enumerate(table.columns[label])]


def numbers(table: Table, named: Mapping[str, str]) -> list[float]:
    """The labels as numbers. Raises UnavailableError for one that is none or not finite."""
    label = find_column(table, named, "label", "label")
    return [_number(table, row, v, label) for row, v in enumerate(table.columns[label])]


def find_column(table: Table, named: Mapping[str, str], option: str, *usual: str) -> str:
    """The column that the user named with an option, else the first usual one that is there.

    Raises:
        UnavailableError: there is none.
    """
    if named.get(option):
        table.require([named[option]])
        return named[option]
    for candidate in usual:
        if candidate in table.columns:
            return candidate
    raise UnavailableError(
        f"'{table.name}' has no column '{usual[0]}'; it has: {', '.join(table.columns)}. Name the "
        f"one to use with {parameter(option)}."
    )


def texts(table: Table, column: str) -> list[str]:
    """A column of texts. Raises UnavailableError for an empty one."""
    checked = []
    for row, value in enumerate(table.columns[column]):
        text = "" if _absent(value) else str(value)
        if not text.strip():
            raise UnavailableError(
                f"{table.where(row)} has an empty text in column '{column}'; fill it or remove the "
                "example."
            )
        checked.append(text)
    return checked


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _class(table: Table, row: int, value: Any, column: str) -> str:
    if _absent(value) or not str(value).strip() or str(value).lower() == "nan":
        raise UnavailableError(
            f"{table.where(row)} has no label in column '{column}'; fill it or remove the example."
        )
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def _number(table: Table, row: int, value: Any, column: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise UnavailableError(
            f"{table.where(row)} has '{value}' in column '{column}'; a regression needs a finite "
            "number."
        )
    return number


def check_tags(table: Table, words: str, tags: str) -> None:
    """Refuse what is no list of words with a tag for each. Raises UnavailableError."""
    for row, (some, others) in enumerate(zip(table.columns[words], table.columns[tags])):
        for column, value in ((words, some), (tags, others)):
            if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
                raise UnavailableError(
                    f"{table.where(row)} has no list of texts in column '{column}', as a tag for "
                    "each word needs."
                )
        if len(some) != len(others):
            raise UnavailableError(
                f"{table.where(row)} has {len(some)} words, but {len(others)} tags."
            )
