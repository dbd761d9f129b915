"""How much a candidate is expected to improve the front: exact, because only its score is unknown.

The hypervolume over t = log10(parameters) that a score f at parameters p adds to a front with the
staircase h(t) is the integral of max(0, f - h(t)) from log10(p) to the budget. For a random f its
expectation is a sum of ordinary expected improvements over the steps of the front, each weighted by
the width that the candidate would gain there (Emmerich et al. 2011 with one objective known).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autopelt.pareto import Point, front

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Staircase:
    """The front as a step function over log10(parameters).

    Attributes:
        begin, end: (k,) ends of the steps; the first begins at minus infinity, the last ends at
            the budget.
        height: (k,) score to beat on each step; the first is the reference score.
    """

    begin: Array
    end: Array
    height: Array

    @classmethod
    def of(cls, points: Sequence[Point], limit: int, floor: float) -> "Staircase":
        """Staircase of the front of `points` within the budget.

        Args:
            points: (deployed parameters, believed score).
            limit: the budget.
            floor: reference score.
        """
        inside = [p for p in points if p[0] <= limit and p[1] > floor]
        members = [inside[i] for i in front(inside)]
        edges = [math.log10(max(1, p)) for p, _ in members]
        return cls(
            np.array([-math.inf, *edges]),
            np.array([*edges, math.log10(limit)]),
            np.array([floor, *(score for _, score in members)]),
        )

    def at(self, parameters: int) -> float:
        """Score to beat with so many parameters; infinite over the budget."""
        x = math.log10(max(1, parameters))
        inside = (self.begin <= x) & (x < self.end)
        return float(self.height[inside][0]) if inside.any() else math.inf


def expected_hypervolume_improvement(
    improvement: Callable[[Array], Array], parameters: ArrayLike, stairs: Staircase
) -> Array:
    """Expected gain of hypervolume of each of n candidates, in decades times score; (n,).

    Args:
        improvement: expected improvements of the candidates' scores over (k,) scores; -> (n, k).
        parameters: (n,) deployed parameters.
    """
    x = np.log10(np.maximum(1, np.asarray(parameters)))[:, None]
    width = np.maximum(0.0, stairs.end - np.maximum(stairs.begin, x))
    return np.asarray((width * improvement(stairs.height)).sum(axis=1))
