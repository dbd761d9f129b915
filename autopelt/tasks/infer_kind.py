"""What kind of task a table of examples is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autopelt.data.readers import Table
from autopelt.errors import UsageError, parameter
from autopelt.tasks.choices import columns_of_choices
from autopelt.tasks.columns import TAG_COLUMNS, find_column
from autopelt.tasks.generation import PAIRS

MOST_CLASSES = 50
"""More distinct whole numbers than this are quantities, not classes."""


def infer_kind(
    table: Table, label: str, generates: bool, choices: str = "", taken: Sequence[str] = ()
) -> tuple[str, str]:
    """Kind of a task from its training examples, and why in words.

    Lists of tags are token classification, contexts with answers question answering, a target text
    generation, choices multiple choice, a number with a decimal point regression, few distinct
    values classification.

    Args:
        label: the column that the user named; empty: the usual names are tried.
        generates: the user named target texts.
        choices: the columns of choices that the user named.
        taken: columns that the user named as texts, which are no choices.

    Raises:
        UnavailableError: the label column is not there.
        UsageError: it could be either.
    """
    columns = table.columns
    if generates or (not label and any({*pair} <= {*columns} for pair in PAIRS)):
        return "generation", "there are target texts"
    if not label and {"context", "question", "answers"} <= set(columns):
        return "question_answering", "there are contexts, questions and answers"
    found = columns_of_choices(list(columns), choices)
    if found and not {*found} & {*taken}:
        return "multiple_choice", f"there are choices in {', '.join(found)}"
    label = find_column(table, {"label": label}, "label", "label", *TAG_COLUMNS)
    values = [value for value in columns[label] if value is not None and value != ""]
    if values and isinstance(values[0], list):
        return "token_classification", f"'{label}' has a list of tags for each example"
    distinct = sorted({str(value) for value in values})
    if all(_number(value) for value in values) and any(_decimal(value) for value in values):
        return "regression", f"'{label}' has numbers with a decimal point"
    if len(distinct) <= MOST_CLASSES:
        shown = ", ".join(distinct[:5]) + (", …" if len(distinct) > 5 else "")
        return "classification", f"'{label}' has {len(distinct)} distinct values ({shown})"
    if all(value.lstrip("+-").isdigit() for value in distinct):
        return "regression", f"'{label}' has {len(distinct)} distinct whole numbers"
    if len(distinct) <= len(values) // 10:
        return "classification", f"'{label}' has {len(distinct)} distinct values"
    raise UsageError(
        f"'{table.name}': column '{label}' has {len(distinct)} distinct values in {len(values)} "
        f"examples, too many for classes; name another with {parameter('label')}, or say what it "
        f"is with {parameter('kind')}."
    )


def _number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def _decimal(value: Any) -> bool:
    """Whether a number is written, or stored, with a decimal point."""
    if isinstance(value, str):
        return not value.strip().lstrip("+-").isdigit()
    return isinstance(value, float)
