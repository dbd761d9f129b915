"""Scores of generated texts: BLEU and chrF by sacrebleu, ROUGE-L, exact match. All from 0 to 1."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from autopelt.errors import UnavailableError

_WORDS = re.compile(r"[^\W_]+")

Texts = Sequence[str]


def bleu(found: Texts, gold: Texts) -> float:
    """Corpus BLEU with sacrebleu's defaults (Post 2018, W18-6319)."""
    return float(_sacrebleu().corpus_bleu(list(found), [list(gold)]).score) / 100


def chrf(found: Texts, gold: Texts) -> float:
    """Corpus chrF2 with sacrebleu's defaults (Popović 2015, W15-3049)."""
    return float(_sacrebleu().corpus_chrf(list(found), [list(gold)]).score) / 100


def rouge_l(found: Texts, gold: Texts) -> float:
    """Mean F1 of the longest common subsequence of words (Lin 2004, W04-1013).

    Words are runs of letters and digits in lower case, without stemming.
    """
    return _mean(_rouge_l(_words(a), _words(b)) for a, b in zip(found, gold, strict=True))


def exact_match(found: Texts, gold: Texts) -> float:
    """Share of texts that are equal up to blanks around them."""
    return _mean(float(a.strip() == b.strip()) for a, b in zip(found, gold, strict=True))


TEXT_SCORES: dict[str, Callable[[Texts, Texts], float]] = {
    "chrf": chrf,
    "bleu": bleu,
    "rouge_l": rouge_l,
    "exact_match": exact_match,
}
"""All of them grow with quality; the first is the usual one."""


def _mean(values: Any) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.lower())


def _rouge_l(found: list[str], gold: list[str]) -> float:
    common = _longest_common_subsequence(found, gold)
    if not common:
        return 0.0
    precision, recall = common / len(found), common / len(gold)
    return 2 * precision * recall / (precision + recall)


def _longest_common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    row = [0] * (len(b) + 1)
    for word in a:
        diagonal = 0
        for j, other in enumerate(b, 1):
            above = row[j]
            row[j] = diagonal + 1 if word == other else max(above, row[j - 1])
            diagonal = above
    return row[-1]


def _sacrebleu() -> Any:
    try:
        import sacrebleu
    except ImportError:
        raise UnavailableError(
            "BLEU and chrF need the package sacrebleu; run: pip install 'autopelt[seq2seq]'"
        ) from None
    return sacrebleu


def require(score: str) -> None:
    """Check that a score can be computed here. Raises UnavailableError."""
    if score in ("bleu", "chrf"):
        _sacrebleu()
