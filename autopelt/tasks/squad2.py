"""Scores where a question may have no answer, as SQuAD 2.0's official script counts them.

Rajpurkar et al. 2018, arXiv:1806.03822; ``evaluate-v2.0.py``. Its percentages are shares here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from autopelt.tasks.answers import exact_match, normalized, word_f1

BEST_THRESHOLD = {"f1": "best_f1_thresh", "exact_match": "best_exact_thresh"}
"""Score -> the name that the threshold which is best for it goes by among the scores."""


@dataclass(frozen=True)
class Answered:
    """The answers to some questions.

    Attributes:
        found: the likeliest span of each question.
        doubts: how likely it has no answer, 0 to 1.
        gold: the right answers of each; none where there is no answer.
    """

    found: Sequence[str]
    doubts: Sequence[float]
    gold: Sequence[Sequence[str]]

    def scores(self, by: str, threshold: float | None = None) -> dict[str, float]:
        """All scores by name.

        Args:
            by: a key of `BEST_THRESHOLD`.
            threshold: doubts above it mean "no answer"; None: the one that is best for `by` here.

        Returns:
            ``f1`` and ``exact_match``, the same of the questions with and without an answer,
            ``best_…`` with the threshold that is best here, and that threshold, ``best_…_thresh``.
        """
        raw = {"f1": self._each(_f1), "exact_match": self._each(exact_match)}
        best = {name: self._best(each) for name, each in raw.items()}
        border = best[by][1] if threshold is None else threshold
        kept = {
            name: [
                value if doubt <= border else float(not gold)
                for value, doubt, gold in zip(each, self.doubts, self.gold, strict=True)
            ]
            for name, each in raw.items()
        }
        told = {name: fmean(each) for name, each in kept.items()}
        for part, there in (("has_answer", True), ("no_answer", False)):
            for name, short in (("f1", "f1"), ("exact_match", "exact")):
                some = [v for v, g in zip(kept[name], self.gold, strict=True) if bool(g) == there]
                if some:
                    told[f"{part}_{short}"] = fmean(some)
        for name, short in (("f1", "f1"), ("exact_match", "exact")):
            told[f"best_{short}"], told[BEST_THRESHOLD[name]] = best[name]
        return told

    def _each(self, score: Callable[[str, Sequence[str]], float]) -> list[float]:
        """A score of each question, with the span as its answer."""
        meant = ([text for text in gold if normalized(text)] or [""] for gold in self.gold)
        return [score(text, gold) for text, gold in zip(self.found, meant, strict=True)]

    def _best(self, each: Sequence[float]) -> tuple[float, float]:
        """The best mean that a threshold reaches, and that threshold."""
        current = best = float(sum(not gold for gold in self.gold))
        border = 0.0
        for i in sorted(range(len(each)), key=self.doubts.__getitem__):
            current += each[i] if self.gold[i] else -float(bool(self.found[i]))
            if current > best:
                best, border = current, self.doubts[i]
        return best / len(each), border


def _f1(answer: str, gold: Sequence[str]) -> float:
    """`word_f1`, but an answer without words equals a gold one without."""
    return exact_match(answer, gold) or word_f1(answer, gold)
