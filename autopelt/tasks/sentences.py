"""Sentences of words with tags, however a table holds them.

A row is a sentence: lists of words and of tags (or of the tags' numbers), both as texts with blanks
between, or a text with marked spans. Or a row is a word, and another column or an empty line tells
where a sentence ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from autopelt.data.offsets import cut_words, spans_in, tags_of
from autopelt.data.readers import Table
from autopelt.errors import UnavailableError, UsageError, parameter
from autopelt.tasks.columns import find_column, first_of, in_words, named_class, texts

WORDS = ("words", "tokens", "word", "token", "form", "text")
TAGS = ("tags", "ner_tags", "upos", "tag", "ner_tag", "ner", "pos", "label", "labels")
SPANS = ("entities", "spans", *TAGS)
SENTENCES = ("sentence", "sentence #", "sentence_id", "sent_id", "sentence id")
"""Usual names of columns, in small letters."""

_REPEATS = 1.5
"""Rows that a sentence has on average, at least, where each is a word."""


def tagged(table: Table, named: Mapping[str, str]) -> dict[str, list[Any]]:
    """Columns ``words`` and ``tags``, a list each for every sentence.

    Args:
        named: ``text``, ``label``, ``sentence``: names of columns; ``label_names``: what numbers
            of tags mean, with commas between.

    Raises:
        UnavailableError: a column is missing or holds something else.
    """
    if sentence_column(table, named) or _is_words(table, named):
        table = _gathered(table, named, find_column(table, named, "label", *usual(table, TAGS)))
        named = {**named, "text": "words", "label": "tags"}
    text = find_column(table, named, "text", *usual(table, WORDS))
    label = find_column(table, named, "label", *usual(table, SPANS))
    if marks_spans(table, label):
        return _by_spans(table, text, label)
    words, tags = table.column(text), table.column(label)
    pairs = [
        _sentence(table, row, text, label, named, words[row], tags[row])
        for row in range(len(table))
    ]
    return {"words": [w for w, _ in pairs], "tags": [t for _, t in pairs]}


def untagged(table: Table, named: Mapping[str, str]) -> Table:
    """A table to tag, one row a sentence, with a column ``words`` of lists.

    A text is cut into words at blanks and punctuation, unless its column is called words or tokens:
    then at blanks alone.

    Args:
        named: as in `tagged`; what the table does not have is not looked at.

    Raises:
        UnavailableError: a column is missing, a sentence has no words.
    """
    named = {option: name for option, name in named.items() if name in table}
    if sentence_column(table, named) or _is_words(table, named):
        return _gathered(table, named)
    text = find_column(table, named, "text", *usual(table, WORDS))
    apart = text.lower() in WORDS[:2]
    lists = []
    for row, value in enumerate(table.column(text)):
        words = value
        if isinstance(value, str):
            words = value.split() if apart else [value[a:b] for a, b in cut_words(value)]
        if not isinstance(words, list) or not words or not all(isinstance(w, str) for w in words):
            raise UnavailableError(f"{table.where(row)} has no words in column '{text}'.")
        lists.append(words)
    return replace(table, columns={**table.columns, "words": lists})


def usual(table: Table, names: Sequence[str]) -> list[str]:
    """Columns of the table of these names, in small letters or not; if none, the first of them."""
    found = [column for name in names for column in table.columns if column.lower() == name]
    return found or [names[0]]


def sentence_column(table: Table, named: Mapping[str, str]) -> str:
    """The column that tells which sentence a word is of; empty where a row is a sentence."""
    if named.get("sentence"):
        return find_column(table, named, "sentence")
    found = [column for column in table.columns if column.lower() in SENTENCES]
    if not found or found[0] == named.get("text"):
        return ""
    word = next((n for n in (named.get("text"), *usual(table, WORDS)) if n and n in table), None)
    first = first_of(table.column(word)) if word else None
    ids = _filled(table.column(found[0]))
    runs = sum(row == 0 or ids[row] != ids[row - 1] for row in range(len(ids)))
    words = isinstance(first, str) and len(first.split()) == 1 and _REPEATS * runs <= len(ids)
    return found[0] if words else ""


def marks_spans(table: Table, label: str) -> bool:
    """Whether a column has lists of start, end and name."""
    first = next((v for v in table.column(label) if v), None)
    return bool(spans_in(first))


def _is_words(table: Table, named: Mapping[str, str]) -> bool:
    """Whether each row is a single word, and empty lines part sentences."""
    if not table.lines or all(b - a == 1 for a, b in pairwise(table.lines)):
        return False
    name = next((n for n in (named.get("text"), *usual(table, WORDS)) if n and n in table), None)
    values = table.column(name) if name else [None]
    return all(isinstance(value, str) and len(value.split()) < 2 for value in values)


def _gathered(table: Table, named: Mapping[str, str], label: str = "") -> Table:
    """One row a sentence, of a table with one row a word; with tags where their column is given."""
    text = find_column(table, named, "text", *usual(table, WORDS))
    sentence = sentence_column(table, named)
    ids = _filled(table.column(sentence)) if sentence else None
    words = texts(table, text)
    starts = [row for row in range(len(table)) if _begins(table, ids, row)]
    again = len(starts) - len({ids[row] for row in starts}) if ids else 0
    if again:
        table.notes.append(
            f"{again} values of '{sentence}' stand in several places; each run of equal ones is a "
            "sentence."
        )
    slices = [slice(a, b) for a, b in pairwise([*starts, len(table)])]
    lines = [table.lines[row] for row in starts] if table.lines else None
    columns: dict[str, list[Any]] = {"words": [words[s] for s in slices]}
    if label:
        columns["tags"] = [table.column(label)[s] for s in slices]
    return Table(columns, table.name, lines, notes=table.notes)


def _filled(ids: Sequence[Any]) -> list[str]:
    """What stands above where there is nothing."""
    filled: list[str] = []
    for value in ids:
        absent = value is None or value == ""
        filled.append(filled[-1] if absent and filled else str(value))
    return filled


def _begins(table: Table, ids: Sequence[str] | None, row: int) -> bool:
    """Whether a row is the first word of a sentence."""
    if row == 0:
        return True
    if ids is not None:
        return ids[row] != ids[row - 1]
    return table.lines is not None and table.lines[row] - table.lines[row - 1] > 1


def _by_spans(table: Table, text: str, label: str) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {"words": [], "tags": []}
    widened = lost = 0
    for row, (whole, value) in enumerate(zip(texts(table, text), table.column(label))):
        spans = spans_in(value if value is not None else [])
        wrong = [s for s in spans or () if not 0 <= s[0] <= s[1] <= len(whole)]
        if spans is None or wrong:
            raise UnavailableError(
                f"{table.where(row)} has {wrong[0] if wrong else in_words(value)} in '{label}'; a "
                f"span is [start, end, name] within the {len(whole)} characters of its text."
            )
        words = cut_words(whole)
        tags, more, fewer = tags_of(words, spans)
        widened, lost = widened + more, lost + fewer
        columns["words"].append([whole[start:end] for start, end in words])
        columns["tags"].append(tags)
    if widened:
        table.notes.append(f"{widened} spans begin or end within a word; all of it is tagged.")
    if lost:
        table.notes.append(f"{lost} spans lie over longer ones or hold no word; they are left out.")
    return columns


def _sentence(
    table: Table,
    row: int,
    text: str,
    label: str,
    named: Mapping[str, str],
    words: Any,
    tags: Any,
) -> tuple[list[str], list[str]]:
    """Words and tags of one example. Raises UnavailableError."""
    words = words.split() if isinstance(words, str) else words
    tags = tags.split() if isinstance(tags, str) else tags
    for column, values, what in ((text, words, "words"), (label, tags, "tags")):
        if not isinstance(values, list) or not all(
            isinstance(v, str | int) and v != "" for v in values
        ):
            raise UnavailableError(
                f"{table.where(row)} has no list of texts in column '{column}', as a tag for each "
                f"word needs, but {in_words(values)}."
            )
        if what == "words" and not all(isinstance(v, str) for v in values):
            raise UnavailableError(f"{table.where(row)} has a word in '{column}' that is no text.")
    names = named.get("label_names", "")
    if not names and any(isinstance(tag, int) for tag in tags):
        raise UsageError(
            f"'{table.name}': column '{label}' has numbers of tags; name these in their order with "
            f"{parameter('label_names')}, like O,B-place,I-place."
        )
    if names:
        tags = [named_class(table, row, tag, label, names) for tag in tags]
    if len(words) != len(tags):
        raise UnavailableError(f"{table.where(row)} has {len(words)} words, but {len(tags)} tags.")
    return list(words), list(tags)
