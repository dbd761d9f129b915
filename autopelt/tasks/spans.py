"""Entities in tagged sentences, and their F1 by the definition of the CoNLL shared tasks.

A span counts as found when its borders and its type are exactly right; precision and recall are
taken over all sentences together. Borders are read as conlleval does (Tjong Kim Sang & De Meulder
2003, W03-0419): B, S or U begin a span; I or E begin one after O, after another type or after the
end of a span. So IOB1, IOB2, IOBES and BILOU tags all mean what they should.
"""

from __future__ import annotations

from collections.abc import Sequence

Span = tuple[int, int, str]
"""First word, last word (included), type."""

_BEGINS, _ENDS = "BSU", "ESL"


def spans(tags: Sequence[str]) -> list[Span]:
    """Spans of one sentence, in order.

    Args:
        tags: like ``B-person``, ``I-person``, ``O``; a tag without a type (``B``) has type "".
    """
    found: list[Span] = []
    start, kind, closed = -1, "", True
    for place, tag in enumerate(tags):
        prefix, _, name = tag.partition("-")
        inside = prefix != "O"
        goes_on = inside and not closed and name == kind and prefix not in _BEGINS
        if start >= 0 and not goes_on:
            found.append((start, place - 1, kind))
            start = -1
        if inside and not goes_on:
            start, kind = place, name
        closed = not inside or prefix in _ENDS
    if start >= 0:
        found.append((start, len(tags) - 1, kind))
    return found


def span_scores(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> dict[str, float]:
    """``span_f1``, ``span_precision`` and ``span_recall`` over all sentences, 0 to 1.

    Raises:
        ValueError: a sentence has another number of tags on the other side.
    """
    right = expected = found = 0
    for ours, theirs in zip(gold, predicted, strict=True):
        if len(ours) != len(theirs):
            raise ValueError(f"{len(theirs)} predicted tags, but {len(ours)} words")
        true, guessed = set(spans(ours)), set(spans(theirs))
        right += len(true & guessed)
        expected += len(true)
        found += len(guessed)
    precision = right / found if found else 0.0
    recall = right / expected if expected else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"span_f1": f1, "span_precision": precision, "span_recall": recall}
