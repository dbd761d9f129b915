"""SQuAD's JSON as columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autopelt.data.benchmark import Columns
from autopelt.data.encoding import read_text
from autopelt.data.readers import FOUND_OUT, Format, Table
from autopelt.errors import UnavailableError

_NO_TEXT_IS_LONGER = 2**31


def read_squad(paths: Sequence[Path], notes: list[str], form: Format = FOUND_OUT) -> Table:
    """SQuAD's JSON as columns ``title``, ``context``, ``question``, ``answers`` and ``starts``.

    A question with ``is_impossible`` has no answers, whatever stands there (SQuAD 2.0).

    Raises:
        UnavailableError: it is not such a file.
    """
    (path,) = paths
    try:
        parsed = json.loads(read_text(path, notes, form.encoding))
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise UnavailableError(f"'{path}' line {line} is not JSON.") from None
    columns: Columns = {k: [] for k in ("title", "context", "question", "answers", "starts")}
    try:
        for article in parsed["data"]:
            for paragraph in article["paragraphs"]:
                for asked in paragraph["qas"]:
                    columns["title"].append(str(article.get("title", "")))
                    columns["context"].append(paragraph["context"])
                    columns["question"].append(asked["question"])
                    answers = [] if asked.get("is_impossible") else asked["answers"]
                    columns["answers"].append([str(a["text"]) for a in answers])
                    columns["starts"].append([_start(a["answer_start"]) for a in answers])
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise UnavailableError(
            f"'{path}' is not in SQuAD's format: {type(error).__name__} at {error} of question "
            f"{len(columns['answers']) + 1}; it is data > paragraphs > context, qas > question, "
            "answers > text, answer_start."
        ) from None
    if not columns["question"]:
        raise UnavailableError(f"'{path}' has no questions.")
    return Table(columns, str(path))


def split_answers(columns: Columns, where: Callable[[int], str] = "example {}".format) -> Columns:
    """The Hub's column of answers (text and start together) as ``answers`` and ``starts``.

    Raises:
        UnavailableError: one of them has not both; `where` says which row that is.
    """
    if columns["answers"] and isinstance(columns["answers"][0], dict):
        both, texts, starts = columns["answers"], [], []
        for row, answer in enumerate(both):
            try:
                texts.append([str(text) for text in answer["text"]])
                starts.append([_start(start) for start in answer["answer_start"]])
            except (KeyError, TypeError, ValueError, OverflowError):
                raise UnavailableError(
                    f"{where(row)} has no lists of 'text' and 'answer_start' in column 'answers': "
                    f"{answer!s:.60}."
                ) from None
        columns["answers"], columns["starts"] = texts, starts
    return columns


def _start(value: Any) -> int:
    """Character that an answer begins at; -1, which is in no text, for what no column can hold."""
    start = int(value)
    return start if abs(start) < _NO_TEXT_IS_LONGER else -1
