"""One text or a pair of texts, and one of several labels that are in an order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from autopelt.data.readers import Table
from autopelt.errors import UsageError, parameter
from autopelt.tasks.base import PREDICTION, PROBABILITY
from autopelt.tasks.classification import Classification, most_likely
from autopelt.tasks.columns import NUMBER, meanings, some
from autopelt.tasks.padding import Batch

if TYPE_CHECKING:
    from datasets import Dataset

_LEADING = re.compile(rf"({NUMBER.pattern})(?![.,]?\d)")
"""A number and, maybe, words: ``3``, ``-1``, ``5 stars``; not the 1 of ``1,000``."""


class Ordinal(Classification):
    """Classes in an order; a label's place in it, from 0 on, is its rank.

    It is trained as a classification. The prediction is the rank nearest to the expected one, the
    mean of the ranks by their probabilities: of all ranks that has the least expected squared
    error, which is what quadratic kappa counts; the likeliest class has the fewest wrong.
    """

    kind: ClassVar[str] = "ordinal"
    known_scores: ClassVar[tuple[str, ...]] = ("quadratic_kappa", "accuracy", "macro_f1", "mae")
    errors: ClassVar[frozenset[str]] = frozenset({"mae"})
    own_options: ClassVar[frozenset[str]] = Classification.own_options - {"positive"}

    @classmethod
    def usual_score(cls, table: Table, named: Mapping[str, str]) -> tuple[str, str]:
        """Quadratic kappa, which rare classes matter to."""
        return cls.known_scores[0], ""

    @classmethod
    def settings(cls, named: Mapping[str, str], score: str) -> dict[str, Any]:
        """All scores are told; named classes are in the order of their names."""
        names = named.get("label_names", "")
        return {
            "scores": (score, *(name for name in cls.known_scores if name != score)),
            "pair": bool(named.get("text_pair")),
            "labels": tuple(dict.fromkeys(meanings(names).values())) if names else (),
            "class_weights": named.get("class_weights", ""),
        }

    def learn_labels(self, train: Dataset) -> None:
        """Unless they are given, the distinct labels of train by the numbers they begin with.

        Raises:
            UsageError: one begins with no number, or two with the same.
        """
        if not self.labels:
            self.labels = tuple(in_order({str(label) for label in train["label"]}))

    def finish(self, dataset: Dataset, part: str, notes: list[str]) -> Dataset:
        """Replace names of classes by their rank; say the order."""
        finished = super().finish(dataset, part, notes)
        if part == "train":
            notes.append(f"The labels in order, lowest first: {', '.join(self.labels)}.")
        return finished

    def predictions(self, outputs: Any, batch: Batch) -> list[Any]:
        """The rank nearest to the expected one."""
        return [nearest_rank(row) for row in self.logits(outputs).float().softmax(dim=-1).tolist()]

    def worded(self, answers: Sequence[Any], encoded: Dataset) -> list[dict[str, Any]]:
        """The class of the nearest rank with its probability, and those of all."""
        told = []
        for shares in answers:
            rank = nearest_rank(shares)
            chosen = {PREDICTION: self.labels[rank], PROBABILITY: shares[rank]}
            told.append(most_likely(self.labels, shares) | chosen)
        return told


def nearest_rank(shares: Sequence[float]) -> int:
    """The rank nearest to the expected one, of the probability of each."""
    return round(sum(rank * share for rank, share in enumerate(shares)))


def in_order(labels: set[str]) -> list[str]:
    """Labels by the numbers they begin with, lowest first.

    Raises:
        UsageError: one begins with no number, or two with the same.
    """
    names = sorted(labels)
    of: dict[float, str] = {}
    for label in names:
        found = _LEADING.match(label)
        other = of.setdefault(float(found[1]), label) if found else ""
        if other != label:
            same = f"like '{other}' begins with {found[1]}" if found else "begins with no number"
            raise UsageError(
                f"label '{label}' {same}, so the order of {some(names)} is not clear; name them "
                f"all, lowest first: {parameter('label_names', 'low,mid,high')}."
            )
    return [of[number] for number in sorted(of)]
