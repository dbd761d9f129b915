"""How much a candidate is expected to improve the front: exact, because only its score is unknown.

The costs of a candidate (parameters in decades, measured ones as they are predicted) are known. So
the hypervolume that a score f at costs x adds to a front is the integral over the costs y >= x
within the reference point of max(0, f - h(y)), where h(y) is the best score of the front at no more
than y. h is constant on each box between the front's costs. For a random f the expectation is
therefore a sum of ordinary expected improvements over the boxes, each weighted by the volume that
the candidate would gain there (Emmerich et al. 2011, with all objectives but one known).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autopelt.statistics.pareto import front_of

Array = NDArray[np.float64]

CHUNK = 256
"""Candidates whose volumes in all boxes are held in memory at once."""


def decades(parameters: ArrayLike) -> Array:
    """log10 of parameter counts, of which none counts as one; any shape."""
    return np.asarray(np.log10(np.maximum(1, np.asarray(parameters))))


@dataclass(frozen=True)
class BoxDecomposition:
    """The costs within the reference point, cut into boxes with one score to beat in each.

    Attributes:
        lower, upper: of each of c costs, ends of the intervals that make the boxes; the first
            begins at minus infinity, the last ends at the reference.
        scores: (S,) different scores to beat, growing; the first is the reference score.
        score: which of them each box has, shape (intervals of cost 1, …, intervals of cost c).
    """

    lower: tuple[Array, ...]
    upper: tuple[Array, ...]
    scores: Array
    score: NDArray[np.int64]

    @classmethod
    def of(
        cls, costs: Array, scores: Array, reference: Array, reference_score: float
    ) -> "BoxDecomposition":
        """Of the front of n points.

        Args:
            costs: (n, c), minimised.
            scores: (n,) expected scores, maximised.
            reference: (c,) the most of each cost that counts.
        """
        inside = np.flatnonzero((costs <= reference).all(axis=1) & (scores > reference_score))
        members = inside[front_of(costs[inside].tolist(), scores[inside].tolist())]
        edges = [np.unique(costs[members, d]) for d in range(len(reference))]
        to_beat = np.full([len(e) + 1 for e in edges], reference_score)
        for i in members:  # it dominates every box whose lower corner it is not above
            dominated = tuple(
                slice(int(np.searchsorted(e, costs[i, d])) + 1, None) for d, e in enumerate(edges)
            )
            to_beat[dominated] = np.maximum(to_beat[dominated], scores[i])
        different, which = np.unique(to_beat, return_inverse=True)
        return cls(
            tuple(np.array([-math.inf, *e]) for e in edges),
            tuple(np.array([*e, r]) for e, r in zip(edges, reference, strict=True)),
            different,
            np.asarray(which, dtype=np.int64).reshape(to_beat.shape),
        )

    def expected_improvement(
        self, expected_improvement: Callable[[Array], Array], costs: Array
    ) -> Array:
        """Expected gain of hypervolume of each of n candidates, in costs times score; (n,).

        Args:
            expected_improvement: of the candidates' scores over (k,) scores; -> (n, k).
            costs: (n, c) of the candidates.
        """
        one_hot = np.eye(len(self.scores))[self.score.ravel()]
        volumes = np.empty((len(costs), len(self.scores)))
        for start in range(0, len(costs), CHUNK):
            some = costs[start : start + CHUNK]
            boxes = np.ones((len(some), 1))
            for d, (lower, upper) in enumerate(zip(self.lower, self.upper, strict=True)):
                width = np.maximum(0.0, upper - np.maximum(lower, some[:, d, None]))
                boxes = (boxes[:, :, None] * width[:, None, :]).reshape(len(some), -1)
            volumes[start : start + CHUNK] = boxes @ one_hot
        return np.asarray((volumes * expected_improvement(self.scores)).sum(axis=1))
