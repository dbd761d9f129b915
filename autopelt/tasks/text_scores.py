"""Scores of generated texts: BLEU and chrF by sacrebleu, ROUGE, exact match, numbers; 0 to 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from autopelt.errors import UnavailableError
from autopelt.tasks.final_numbers import final_number, has_number
from autopelt.tasks.rouge import rouge_l, rouge_lsum, rouge_n

Texts = Sequence[str]


def bleu(found: Texts, gold: Texts) -> float:
    """Corpus BLEU with sacrebleu's defaults (Post 2018, W18-6319)."""
    return float(_sacrebleu().corpus_bleu(list(found), [list(gold)]).score) / 100


def chrf(found: Texts, gold: Texts) -> float:
    """Corpus chrF2 with sacrebleu's defaults (Popović 2015, W15-3049)."""
    return float(_sacrebleu().corpus_chrf(list(found), [list(gold)]).score) / 100


def _mean(of_one: Callable[[str, str], float]) -> Callable[[Texts, Texts], float]:
    """The mean of a score of single texts."""

    def mean(found: Texts, gold: Texts) -> float:
        return sum(of_one(a, b) for a, b in zip(found, gold, strict=True)) / len(gold)

    return mean


def number_match(found: Texts, gold: Texts) -> float:
    """Share of texts whose final number is the gold one's, of those whose gold text has any."""
    wanted = [final_number(text) for text in gold]
    told = [final_number(a) == b for a, b in zip(found, wanted, strict=True) if b is not None]
    return sum(told) / len(told) if told else 0.0


TEXT_SCORES: dict[str, Callable[[Texts, Texts], float]] = {
    "chrf": chrf,
    "bleu": bleu,
    "rouge1": _mean(lambda found, gold: rouge_n(found, gold, 1)),
    "rouge2": _mean(lambda found, gold: rouge_n(found, gold, 2)),
    "rougeL": _mean(rouge_l),
    "rougeLsum": _mean(rouge_lsum),
    "exact_match": _mean(lambda found, gold: float(found.strip() == gold.strip())),
    "number_match": number_match,
}
"""All of them grow with quality; the first is the usual one."""

BESIDE = ("exact_match", "rougeL", "chrf", "number_match")
"""Those that are told beside a metric that needs no text."""


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


def all_scores(
    found: Texts, gold: Texts, first: str = "", names: Sequence[str] = tuple(TEXT_SCORES)
) -> dict[str, float]:
    """The scores that can be computed here by name, `first` first.

    Numbers are compared where there are any, or where that is `first`.

    Raises:
        UnavailableError: `first` cannot be computed.
    """
    numbers = any(map(has_number, gold))
    told = {}
    if first:
        require(first)
        told[first] = TEXT_SCORES[first](found, gold)
    for name in names:
        if name == first or (name == "number_match" and not numbers):
            continue
        with suppress(UnavailableError):
            told[name] = TEXT_SCORES[name](found, gold)
    return told
