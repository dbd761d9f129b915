"""What kind of task a table of examples is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from autopelt.data.conversations import chat_form
from autopelt.data.readers import Table
from autopelt.errors import UsageError, parameter
from autopelt.tasks.choices import columns_of_choices
from autopelt.tasks.columns import (
    ABSENT,
    NUMBER,
    absent,
    find_column,
    first_of,
    some,
    without_commas,
    written_value,
)
from autopelt.tasks.generation import PAIRS
from autopelt.tasks.label_sets import label_columns
from autopelt.tasks.media_classification import kind_of_files
from autopelt.tasks.retrieval import RANKED
from autopelt.tasks.sentences import WORDS, marks_spans, sentence_column, usual

MOST_CLASSES = 50
"""More distinct texts than this are classes only where each stands ten times."""

MOST_NUMBERS, MOST_IDS, LEAST_REPEATS = 20, 1000, 3
"""More distinct whole numbers are amounts, unless they look like ids: from 0 or 1 without gaps, up
to so many, and each so often."""

_PERCENT = 100
"""Whole numbers up to this are marks or shares."""

_DENSE = 0.9

_CODE = re.compile(r"\d+[eE]\d+|0\d+")
"""Digits that are no amount: ``1E5``, ``007``."""

_LOOKED_AT = 20
"""Examples by which lists of labels are told from a tag for each word."""

_LABELS = ("label", "tags", "ner_tags", "upos", "entities", "spans")


def infer_kind(table: Table, named: Mapping[str, str], generates: bool) -> tuple[str, str]:
    """Kind of a task from its training examples, and why in words.

    Lists of tags, marked spans and rows of words are token classification, contexts with answers
    question answering, turns or an instruction with its answer chat, a target text generation,
    choices multiple choice, a query and a positive retrieval, paths of pictures or sounds their
    classification, a number with a decimal point regression, few distinct values classification.

    Args:
        named: columns that the user named, as in `Task.raw`.
        generates: the user named target texts.

    Raises:
        UnavailableError: the label column is not there.
        UsageError: it could be either.
    """
    if files := kind_of_files(table, named):
        return files
    columns = set(table.columns)
    chat = None if generates else _chat(table, named)
    if chat:
        return "chat", chat
    pair = any({*pair} <= columns for pair in PAIRS)
    if generates or (pair and not named.get("label")):
        return "generation", "there are target texts"
    if not named.get("label") and {"context", "question", "answers"} <= columns:
        return "question_answering", "there are contexts, questions and answers"
    found = columns_of_choices(table, named.get("choices", ""))
    if found and not {*found} & {named.get("text"), named.get("text_pair")}:
        return "multiple_choice", f"there are choices in {', '.join(found)}"
    if not named.get("label") and any({*pair} <= columns for pair in RANKED):
        return "retrieval", "there are queries and the texts that fit them"
    if sentence := sentence_column(table, named):
        return "token_classification", f"each row is a word, of a sentence that '{sentence}' tells"
    if several := label_columns(table, named.get("label", "")):
        return "multi_label", f"{some(several)} are columns of labels"
    label = find_column(table, named, "label", *_LABELS, "labels")
    if named.get("separator"):
        return "multi_label", f"'{label}' has labels with '{named['separator']}' between them"
    values = [value for value in table.column(label) if not absent(value) and value != ""]
    if isinstance(first_of(values), list):
        return _of_lists(table, named, label)
    if values and all(isinstance(written_value(str(v)), list) for v in values[:_LOOKED_AT]):
        return "multi_label", f"'{label}' has a list of labels for each example, written as text"
    distinct = sorted({str(value).strip() for value in values})
    shown = f"'{label}' has {len(distinct)} distinct"
    if not named.get("label_names") and values and all(map(_number, values)):
        if any(map(_decimal, values)):
            whole = all(float(value).is_integer() for value in distinct)
            other = ", all whole (if classes, say kind classification)" if whole else ""
            return "regression", f"'{label}' has numbers with a decimal point{other}"
        if len(distinct) > MOST_NUMBERS and not _ids([int(value) for value in values]):
            return "regression", f"{shown} whole numbers (if classes, say kind classification)"
        if len(distinct) > MOST_NUMBERS:
            why = "whole numbers without gaps that look like ids (if amounts, say kind regression)"
            return "classification", f"{shown} {why}"
    if len(distinct) <= MOST_CLASSES:
        _refuse_commas(table, label, distinct)
        ranks = len(distinct) > 2 and all(map(_number, distinct)) and not named.get("label_names")
        order = "; if their order counts, say kind ordinal" if ranks else ""
        return "classification", f"{shown} values ({some(distinct)}){order}"
    if len(distinct) <= len(values) // 10 or named.get("label_names"):
        return "classification", f"{shown} values"
    _refuse_commas(table, label, distinct)
    raise UsageError(
        f"'{table.name}': column '{label}' has {len(distinct)} distinct values in {len(values)} "
        f"examples, too many for classes; name another with {parameter('label')}, or say what it "
        f"is with {parameter('kind')}."
    )


def _chat(table: Table, named: Mapping[str, str]) -> str:
    """What says that a table has conversations, or nothing."""
    if named.get("label") or ("label" in table and not named.get("text")):
        return ""
    if named.get("text") and named["text"] not in table:
        return ""
    form = chat_form(table, named.get("text", ""))
    return form.words if form else ""


def _of_lists(table: Table, named: Mapping[str, str], label: str) -> tuple[str, str]:
    """Kind of a table with a list of labels an example."""
    if marks_spans(table, label):
        return "token_classification", f"'{label}' has spans of the text"
    places = (named.get("text"), *usual(table, WORDS))
    text = next((name for name in places if name and name in table), None)
    pairs = list(zip(table.column(text), table.column(label)))[:_LOOKED_AT] if text else []
    if label in _LABELS[1:] or (pairs and all(map(_a_tag_each, pairs))):
        return "token_classification", f"'{label}' has a list of tags for each example"
    return "multi_label", f"'{label}' has a list of labels for each example"


def _a_tag_each(pair: tuple[Any, Any]) -> bool:
    """Whether there are as many tags as words."""
    words = pair[0].split() if isinstance(pair[0], str) else pair[0]
    return all(isinstance(side, list) for side in (words, pair[1])) and len(words) == len(pair[1])


def _number(value: Any) -> bool:
    if isinstance(value, str):
        text = value.strip()
        written = NUMBER.fullmatch(text) and not _CODE.fullmatch(text)
        return bool(written) or text in (*ABSENT, "inf", "-inf")
    return isinstance(value, int | float) and not isinstance(value, bool)


def _decimal(value: Any) -> bool:
    """Whether a number is written, or stored, with a decimal point."""
    if isinstance(value, str):
        return not value.strip().lstrip("+-").isdigit()
    return isinstance(value, float)


def _ids(values: Sequence[int]) -> bool:
    """Whether whole numbers are names of classes rather than amounts."""
    distinct, low, high = len(set(values)), min(values), max(values)
    return (
        low in (0, 1)
        and distinct <= MOST_IDS
        and distinct >= _DENSE * (high - low + 1)
        and len(values) >= LEAST_REPEATS * distinct
        and high != _PERCENT
    )


def _refuse_commas(table: Table, label: str, names: Sequence[str]) -> None:
    """Refuse numbers with commas as names of classes. Raises UsageError."""
    comma = [name for name in names if without_commas(name)]
    if comma and all(without_commas(name) or _number(name) for name in names):
        raise UsageError(
            f"'{table.name}': column '{label}' has '{comma[0]}', a number with a comma; "
            f"write {without_commas(comma[0])}, or name the kind with "
            f"{parameter('kind', 'classification')} if these are names."
        )
