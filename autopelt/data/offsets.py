"""Texts with marked spans (``[[0, 9, "place"]]``) as words with tags, begin-inside-outside."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

OUTSIDE = "O"

_STARTS, _ENDS = ("start", "start_offset", "begin"), ("end", "end_offset", "stop")
_NAMES = ("label", "entity", "type", "tag", "entity_group", "labels")

Span = tuple[int, int, str]
"""First character, the one behind the last, name."""


def spans_in(value: Any) -> list[Span] | None:
    """The spans of an example: lists of start, end and name, or objects; None if it has others."""
    if not isinstance(value, list):
        return None
    spans = []
    for item in value:
        if isinstance(item, dict):
            keys = (next((k for k in names if k in item), "") for names in (_STARTS, _ENDS, _NAMES))
            item = [item.get(key) for key in keys]
        if not isinstance(item, list) or len(item) != 3:
            return None
        start, end, name = item
        if isinstance(name, list) and len(name) == 1:
            name = name[0]
        if not all(isinstance(n, int) for n in (start, end)) or not isinstance(name, str):
            return None
        spans.append((start, end, name))
    return spans


def cut_words(text: str) -> list[tuple[int, int]]:
    """Where the words of a text begin and end; each mark of punctuation is one of its own."""
    words, start = [], None
    for place, character in enumerate(text + " "):
        apart = unicodedata.category(character)[0] in "PS"
        if not (apart or character.isspace()):
            start = place if start is None else start
            continue
        if start is not None:
            words.append((start, place))
            start = None
        if apart:
            words.append((place, place + 1))
    return words


def tags_of(words: Sequence[tuple[int, int]], spans: Sequence[Span]) -> tuple[list[str], int, int]:
    """A tag for each word.

    Returns:
        The tags; how many spans begin or end within a word, which is then tagged as a whole; and
        how many are left out, because they hold no word or lie over a longer one.
    """
    tags, widened, lost = [OUTSIDE] * len(words), 0, 0
    for start, end, name in sorted(spans, key=lambda span: (span[0] - span[1], span)):
        inside = [i for i, (begin, stop) in enumerate(words) if begin < end and stop > start]
        if not inside or any(tags[i] != OUTSIDE for i in inside):
            lost += 1
            continue
        widened += words[inside[0]][0] < start or words[inside[-1]][1] > end
        for i in inside:
            tags[i] = f"{'B' if i == inside[0] else 'I'}-{name}"
    return tags, widened, lost
