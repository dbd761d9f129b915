"""Choices in a user's table, a column of lists or a column for each, and which of them is right."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autopelt.data.readers import Table
from autopelt.errors import UnavailableError, parameter
from autopelt.tasks.columns import find_column, texts

LISTS = ("choices", "options", "endings")
"""Usual names of a column of lists."""

_STEMS = r"choice|option|ending|answer|sol|solution|alternative|candidate"
_NUMBERED = re.compile(rf"(?P<stem>{_STEMS})[ _.-]?(?P<mark>\d{{1,2}}|[A-Za-z])", re.IGNORECASE)

BEFORE = ("text", "context", "premise", "passage", "article", "sentence", "sent1", "ctx")
ASKED = ("question", "query", "goal", "sent2")
"""Usual names of columns in front of the choices; one of each is joined with a blank."""

RIGHT = ("label", "answerKey", "answer_key", "answer", "correct", "gold")
"""Usual names of the column that tells the right choice."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

FORMS: Mapping[str, Callable[[Sequence[str]], list[str]]] = {
    "0": lambda choices: [str(i) for i in range(len(choices))],
    "1": lambda choices: [str(i + 1) for i in range(len(choices))],
    "A": lambda choices: list(LETTERS[: len(choices)]),
    "a": lambda choices: list(LETTERS[: len(choices)].lower()),
    "choice1": lambda choices: [f"choice{i + 1}" for i in range(len(choices))],
    "text": lambda choices: [choice.strip() for choice in choices],
}
"""Ways to write which choice is right, by what the first is called: a name for each choice."""


def columns_of_choices(table: Table, named: str = "") -> list[str]:
    """The columns that choices stand in: one of lists, or at least two; empty where there are none.

    Args:
        named: what the user said, several with commas between.
    """
    columns = list(table.columns)
    if named and named in table:
        return [named]
    if named:
        return [name.strip() for name in named.split(",") if name.strip()]
    for name in LISTS:
        if name in columns:
            return [name]
    groups: dict[str, list[str]] = {}
    for name in columns:
        match = _NUMBERED.fullmatch(name)
        if match:
            groups.setdefault(match["stem"].lower(), []).append(name)
    letters = [name for name in columns if len(name) == 1 and name in LETTERS]
    if letters[:2] == ["A", "B"] and {*BEFORE, *ASKED} & {*columns}:
        groups["letters"] = letters
    return next((group for group in groups.values() if len(group) > 1), [])


def asked(table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
    """``text`` and ``choices`` of each example.

    Raises:
        UnavailableError: a column is missing, a text is empty, an example has fewer than two.
    """
    places = columns_of_choices(table, named.get("choices", ""))
    if not places:
        raise UnavailableError(
            f"'{table.name}' has no columns of choices; it has: {', '.join(table.names)}. Name "
            f"one of lists, or several with commas between, with {parameter('choices')}."
        )
    table.require(places)
    parts = [named[option] for option in ("text", "text_pair") if named.get(option)]
    if not parts:
        usual = (next((n for n in names if n in table.columns), "") for names in (BEFORE, ASKED))
        parts = [name for name in usual if name and name not in places]
    if not parts:
        parts = [find_column(table, named, "text", *BEFORE, *ASKED)]
    table.require(parts)
    sides = [texts(table, name) for name in parts]
    rows = zip(*map(table.column, places), strict=True)
    return {
        "text": [" ".join(side) for side in zip(*sides, strict=True)],
        "choices": [_choices(table, row, places, values)[0] for row, values in enumerate(rows)],
    }


def labels(table: Table, named: Mapping[str, str]) -> list[str]:
    """Which choice is right, as it is written there. Raises UnavailableError where none is."""
    places = columns_of_choices(table, named.get("choices", ""))
    column = find_column(table, named, "label", *(n for n in RIGHT if n not in places))
    listed = [table.column(name) for name in places]
    found = []
    for row, value in enumerate(table.column(column)):
        whole = isinstance(value, float) and value.is_integer()
        label = "" if value is None else str(int(value) if whole else value).strip()
        if not label or label.lower() == "nan":
            raise UnavailableError(
                f"{table.where(row)} has no label in column '{column}'; fill it or remove the "
                "example."
            )
        cells = [values[row] for values in listed]
        own = _choices(table, row, places, cells)[1]
        if own and label not in own:
            raise UnavailableError(
                f"{table.where(row)} has the label '{label}'; its choices are {', '.join(own)}."
            )
        found.append(LETTERS[own.index(label)] if own else label)
    return found


def form_of(task: str, labels: Sequence[str], choices: Sequence[Sequence[str]]) -> str:
    """The key of `FORMS` in which all labels are written.

    Raises:
        UnavailableError: there is none, or more than one and they mean different choices.
    """
    meant: dict[str, list[int]] = {}
    first_wrong: dict[str, int] = {}
    for form, names in FORMS.items():
        places = []
        for row, (label, some) in enumerate(zip(labels, choices, strict=True)):
            known = names(some)
            if label not in known:
                first_wrong[form] = row
                break
            places.append(known.index(label))
        else:
            meant[form] = places
    if not meant:
        form, row = max(first_wrong.items(), key=lambda item: item[1])
        raise UnavailableError(
            f"task '{task}': training example {row + 1} has the label '{labels[row]}', which is "
            f"none of its choices {', '.join(FORMS[form](choices[row]))}; labels count from "
            "0 or 1, or are letters, or texts of choices."
        )
    if len({tuple(places) for places in meant.values()}) > 1:
        raise UnavailableError(
            f"task '{task}': whether the labels {', '.join(sorted(set(labels))[:5])} count from 0 "
            "or 1, or are texts of choices, cannot be told from the training examples; write "
            "letters."
        )
    return next(iter(meant))


def _choices(
    table: Table, row: int, places: Sequence[str], cells: Sequence[Any]
) -> tuple[list[str], list[str]]:
    """An example's choices, and their own names where it has them."""
    names: list[str] = []
    values: Any = list(cells)
    if len(places) == 1:
        values = cells[0]
        if isinstance(values, str) and values.lstrip().startswith("["):
            try:
                values = json.loads(values)
            except ValueError:
                values = None
        if isinstance(values, list) and values and all(isinstance(v, dict) for v in values):
            values = {key: [v.get(key) for v in values] for key in ("text", "label")}
        if isinstance(values, dict):
            names = [str(name) for name in values.get("label") or [] if name is not None]
            values = values.get("text")
    else:
        while values and (values[-1] is None or values[-1] == ""):
            values.pop()  # a row with fewer choices than columns
    if (
        not isinstance(values, list)
        or len(values) < 2
        or not all(isinstance(v, str) and v.strip() for v in values)
        or len(names) not in (0, len(values))
    ):
        raise UnavailableError(
            f"{table.where(row)} has no two texts or more in {', '.join(places)}; choices are a "
            "list of texts, or a column of texts each."
        )
    return values, names
