"""Scores of an answer by SQuAD's official definition (arXiv:1606.05250, section 6.1)."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = set(string.punctuation)


def normalized(answer: str) -> str:
    """Lower case, without punctuation, articles and superfluous blanks."""
    kept = "".join(c for c in answer.lower() if c not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", kept).split())


def exact_match(answer: str, gold: Sequence[str]) -> float:
    """1 if the answer is one of the gold answers after `normalized`, else 0."""
    return float(any(normalized(answer) == normalized(g) for g in gold))


def word_f1(answer: str, gold: Sequence[str]) -> float:
    """F1 of the words after `normalized`, against the gold answer that fits best."""
    return max(_word_f1(normalized(answer).split(), normalized(g).split()) for g in gold)


def _word_f1(found: list[str], gold: list[str]) -> float:
    same = sum((Counter(found) & Counter(gold)).values())
    if not same:
        return 0.0
    precision, recall = same / len(found), same / len(gold)
    return 2 * precision * recall / (precision + recall)
