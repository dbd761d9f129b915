"""How much a candidate is expected to improve the front: exact, because only its score is unknown.

The hypervolume over t = log10(parameters) that a score f at parameters p adds to a front with the
staircase h(t) is the integral of max(0, f - h(t)) from log10(p) to the budget. For a Gaussian f its
expectation is a sum of ordinary expected improvements over the steps of the front, each weighted by
the width that the candidate would gain there (Emmerich et al. 2011 with one objective known).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erfcx, ndtr

from autopelt.pareto import Point, front

Array = NDArray[np.float64]


def expected_improvement(mean: Array, deviation: Array, best: Array | float) -> Array:
    """E[max(0, f - best)] for f ~ N(mean, deviation^2); shapes broadcast.

    Below z = -1 by the scaled complementary error function, so that it stays positive and ordered
    far below `best`.
    """
    z = (mean - best) / deviation
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    low = np.minimum(z, -1.0)
    tail = density * np.maximum(
        1e-300, 1 + low * math.sqrt(math.pi / 2) * erfcx(-low / math.sqrt(2))
    )
    return np.asarray(deviation * np.where(z > -1.0, z * ndtr(z) + density, tail))


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


def expected_hypervolume_improvement(
    mean: Array, deviation: Array, parameters: ArrayLike, stairs: Staircase
) -> Array:
    """Expected gain of hypervolume of each candidate, in decades times score; (n,)."""
    x = np.log10(np.maximum(1, np.asarray(parameters)))[:, None]
    width = np.maximum(0.0, stairs.end - np.maximum(stairs.begin, x))
    gain = expected_improvement(mean[:, None], deviation[:, None], stairs.height)
    return np.asarray((width * gain).sum(axis=1))
