"""The columns of a user's table that a kind of task needs, checked example by example."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from autopelt.data.readers import Table
from autopelt.data.squad import split_answers
from autopelt.errors import UnavailableError, parameter

TAG_COLUMNS = ("tags", "ner_tags")
"""Usual names of a column of tags."""


def labelled(table: Table, kind: str, named: Mapping[str, str]) -> dict[str, list[Any]]:
    """Raw examples of a kind of task.

    Args:
        named: ``text``, ``text_pair``, ``label``, ``target`` -> the table's column; where it is
            missing or empty, the usual names are tried.

    Raises:
        UnavailableError: a column is missing, a text is empty, a label is missing or not a number.
    """

    def place(option: str, *usual: str) -> str:
        return find_column(table, named.get(option, ""), usual, option)

    if kind == "token_classification":
        words, tags = place("text", "words", "tokens"), place("label", *TAG_COLUMNS)
        _check_tags(table, words, tags)
        return {"words": table.columns[words], "tags": table.columns[tags]}
    if kind == "question_answering":
        return _questions(table)
    if kind == "generation":
        source, target = place("text", "source", "text"), place("target", "target")
        return {"source": texts(table, source), "target": texts(table, target)}
    text, label = place("text", "text"), place("label", "label")
    columns: dict[str, list[Any]] = {"text": texts(table, text)}
    if named.get("text_pair"):
        columns["text_pair"] = texts(table, place("text_pair"))
    read = _number if kind == "regression" else _class
    columns["label"] = [read(table, row, v, label) for row, v in enumerate(table.columns[label])]
    return columns


def find_column(table: Table, named: str, usual: Sequence[str], option: str) -> str:
    """The column that the user named with an option, else the first usual one that is there.

    Raises:
        UnavailableError: there is none.
    """
    if named:
        table.require([named])
        return named
    for candidate in usual:
        if candidate in table.columns:
            return candidate
    raise UnavailableError(
        f"'{table.name}' has no column '{usual[0]}'; it has: {', '.join(table.columns)}. Name the "
        f"one to use with {parameter(option)}."
    )


def _questions(table: Table) -> dict[str, list[Any]]:
    """Contexts, questions, answers; where an answer starts is looked up if it is not said."""
    table.require(["context", "question", "answers"])
    columns: dict[str, list[Any]] = {name: texts(table, name) for name in ("context", "question")}
    given = split_answers(dict(table.columns))
    answers = [[a] if isinstance(a, str) else a for a in given["answers"]]
    for row, value in enumerate(answers):
        if not isinstance(value, list) or not all(isinstance(a, str) for a in value):
            raise UnavailableError(f"{table.where(row)} has no list of texts in column 'answers'.")
    columns["answers"] = answers
    columns["starts"] = given.get("starts") or [
        [context.find(answer) for answer in row]
        for context, row in zip(columns["context"], answers)
    ]
    return columns | ({"title": texts(table, "title")} if "title" in given else {})


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


def _check_tags(table: Table, words: str, tags: str) -> None:
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
