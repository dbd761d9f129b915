"""The columns of a user's table that a kind of task needs, checked example by example."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autopelt.data.conversations import chat_form, written_turns
from autopelt.data.readers import Table
from autopelt.errors import UnavailableError, parameter

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
"""A number as files write it."""

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")

_SHOWN = 5
ABSENT = ("nan", "NaN")
"""What programs write where a label is missing."""


# ---------------------------------------------------------------------- which column
def find_column(table: Table, named: Mapping[str, str], option: str, *usual: str) -> str:
    """The column that the user named with an option, else the first usual one that is there.

    Raises:
        UnavailableError: there is none.
    """
    if named.get(option):
        table.require([named[option]])
        return named[option]
    for candidate in usual:
        if candidate in table:
            return candidate
    for column in table.columns:
        if column.lower() in usual:
            return column
    way = f"Name the one to use with {parameter(option)}."
    raise UnavailableError(f"{table.missing(usual[0]).marked} {_chat(table) or way}")


def first_of(values: Iterable[Any]) -> Any:
    """The first value that is there, else None."""
    return next((value for value in values if not absent(value)), None)


def some(names: Sequence[str]) -> str:
    """A few names and how many more there are: ``a, b, c, d, e and 12 more``."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def in_words(value: Any) -> str:
    """What a value is, for a person: ``a list (['a', 'b'])``."""
    if value is None:
        return "nothing"
    kinds: tuple[tuple[Any, str], ...] = (
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a number with a decimal point"),
        (str, "a text"),
        (list, "a list"),
        (dict, "an object"),
    )
    kind = next((words for type_, words in kinds if isinstance(value, type_)), "")
    shown = repr(value)
    shown = shown if len(shown) <= 40 else f"{shown[:39]}…"
    return f"{kind or 'a ' + type(value).__name__} ({shown})"


def _chat(table: Table) -> str:
    """What to do with chats, where the table has any."""
    form = chat_form(table)
    return f"{form.words}: {parameter('kind', 'chat')} learns their answers." if form else ""


# ---------------------------------------------------------------------- texts
def text_columns(table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
    """``text``, and ``text_pair`` where it is named. Raises UnavailableError."""
    columns: dict[str, list[Any]] = {
        "text": texts(table, find_column(table, named, "text", "text"))
    }
    if named.get("text_pair"):
        columns["text_pair"] = texts(table, find_column(table, named, "text_pair"))
    return columns


def texts(table: Table, column: str) -> list[str]:
    """A column of texts. Raises UnavailableError for an empty one, or for what is no text."""
    values = table.column(column)
    for row, value in enumerate(values):
        if absent(value) or (isinstance(value, str) and not value.strip()):
            raise UnavailableError(
                f"{table.where(row)} has an empty text in column '{column}'; fill it or remove the "
                "example."
            )
        if isinstance(value, str) and written_turns(value):
            raise UnavailableError(
                f"{table.where(row)} has a list of turns, written as text, in column '{column}'; "
                f"{parameter('kind', 'chat')} reads such."
            )
        if not isinstance(value, str):
            raise UnavailableError(
                f"{table.where(row)} has {in_words(value)} in column '{column}', where a text is "
                f"needed; {_way(column, value)}."
            )
    first = [written_value(value) for value in values[:_LOOKED_AT]]
    if values and all(isinstance(value, list | dict) for value in first):
        raise UnavailableError(
            f"{table.where(0)} has {in_words(first[0])}, written as text, in column '{column}'; "
            f"write the table as JSON lines and {_way(column, first[0])}."
        )
    return values


_LOOKED_AT = 20
"""Texts that must all be written lists or objects to be taken for such."""


def _way(column: str, value: Any) -> str:
    """What to do with something that is no text."""
    if isinstance(value, dict) and value:
        return f"name a field of it by its path, like {column}.{next(iter(value))}"
    if isinstance(value, list) and value:
        inner = value[0]
        field = f".{next(iter(inner))}" if isinstance(inner, dict) and inner else ""
        return f"name an element of it by its path, like {column}.0{field}"
    return "write it in quotes"


def written_value(text: str) -> Any:
    """The list or object that a text is the writing of, else None."""
    stripped = text.strip()
    if stripped[:1] + stripped[-1:] not in ("[]", "{}"):
        return None
    try:
        return ast.literal_eval(stripped)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None


# ---------------------------------------------------------------------- labels
def class_names(table: Table, named: Mapping[str, str]) -> list[str]:
    """The labels as names of classes.

    Args:
        named: ``label``, the column; ``label_names``, names of its numbers, with commas between.

    Raises:
        UnavailableError: one is missing or no plain value; they are of several types; two are the
            same number, written differently.
    """
    column = find_column(table, named, "label", "label")
    values = table.column(column)
    first = first_of(values)
    for row, value in enumerate(values):
        if absent(value) or (isinstance(value, str) and value.strip() in ("", *ABSENT)):
            raise UnavailableError(
                f"{table.where(row)} has no label in column '{column}'; fill it or remove the "
                "example."
            )
        _check_label(table, row, value, column)
        if type(value) is not type(first):
            raise UnavailableError(
                f"{table.where(row)} has {in_words(value)} in column '{column}', but others are "
                f"{in_words(first)}; write all labels in one way."
            )
    if named.get("label_names"):
        names = named["label_names"]
        return [named_class(table, row, v, column, names) for row, v in enumerate(values)]
    written = [as_written(value) for value in values]
    distinct = sorted(set(written))
    _check_numbers(table, column, distinct)
    alike = [names for names in _by_small_letters(distinct) if len(names) > 1]
    if alike:
        table.notes.append(f"The labels {' and '.join(alike[0])} differ in capital letters only.")
    return written


def _by_small_letters(names: Sequence[str]) -> list[list[str]]:
    """Names that are one in small letters, together."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.lower(), []).append(name)
    return list(groups.values())


def named_class(table: Table, row: int, value: Any, column: str, names: str) -> str:
    """The name that a number stands for, by `meanings`; or the name itself.

    Raises:
        UnavailableError: it stands for none.
    """
    known, text = meanings(names), as_written(value)
    if text in known.values():
        return text
    if text not in known:
        raise UnavailableError(
            f"{table.where(row)} has '{text}' in column '{column}', but {parameter('label_names')} "
            f"has {some(list(known.values()))} for {some(list(known))}. Say which is which like "
            "1=good,2=bad."
        )
    return known[text]


def meanings(names: str) -> dict[str, str]:
    """What stands in a file -> its name: of ``1=good,2=bad``, or of ``bad,good`` from 0 on."""
    parts = [name.strip() for name in names.split(",")]
    pairs = [part.partition("=") for part in parts]
    if all(equals for _, equals, _ in pairs):
        return {number.strip(): name.strip() for number, _, name in pairs}
    return {str(number): name for number, name in enumerate(parts)}


def numbers(table: Table, named: Mapping[str, str]) -> list[float]:
    """The labels as numbers. Raises UnavailableError for one that is none or not finite."""
    column = find_column(table, named, "label", "label")
    return [_number(table, row, v, column) for row, v in enumerate(table.column(column))]


def absent(value: Any) -> bool:
    """Whether nothing stands there."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def as_written(value: Any) -> str:
    """A value as a person writes it."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def _check_label(table: Table, row: int, value: Any, column: str) -> None:
    """Refuse what is no plain value. Raises UnavailableError."""
    inner = written_value(value) if isinstance(value, str) else value
    if isinstance(inner, list):
        one_hot = inner and all(v in (0, 1) for v in inner)
        raise UnavailableError(
            f"{table.where(row)} has {in_words(inner)} in column '{column}'; a classification has "
            f"one label an example, a text or a number"
            + (": write which of them is 1." if one_hot else ".")
        )
    if isinstance(inner, dict):
        raise UnavailableError(
            f"{table.where(row)} has {in_words(inner)} in column '{column}', where a label is "
            f"needed; {_way(column, inner)}."
        )
    if not isinstance(value, str | bool | int | float):
        raise UnavailableError(
            f"{table.where(row)} has {in_words(value)} in column '{column}'; write it as text."
        )


def _check_numbers(table: Table, column: str, names: Sequence[str]) -> None:
    """Refuse classes that differ in how their number is written only. Raises UnavailableError."""
    of: dict[float, str] = {}
    for name in names:
        if NUMBER.fullmatch(name):
            other = of.setdefault(float(name), name)
            if other != name:
                raise UnavailableError(
                    f"'{table.name}' has the labels '{other}' and '{name}' in column '{column}', "
                    "which are one number; write it in one way."
                )


def without_commas(text: str) -> str:
    """How to write a number that has commas, one way or two; an empty text for all else."""
    text = text.strip()
    plain = text.replace(",", "") if _THOUSANDS.fullmatch(text) else ""
    point = text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else ""
    return f"{plain}, or {point} if its comma is decimal" if plain and point else plain or point


def _number(table: Table, row: int, value: Any, column: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        ways = without_commas(value) if isinstance(value, str) else ""
        way = f" without commas: write {ways}" if ways else ""
        raise UnavailableError(
            f"{table.where(row)} has '{value}' in column '{column}'; a regression needs a finite "
            f"number{way}."
        )
    return number
