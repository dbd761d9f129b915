"""How much a candidate is expected to improve the front: exact, because only its score is unknown.

`Staircase` is for one cost, the number of parameters; `Terraces` is the same for several.

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

from autopelt.statistics.pareto import Point, front, front_of

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


@dataclass(frozen=True)
class Terraces:
    """The front over several costs: a score to beat in each cell of a grid.

    Attributes:
        begin, end: ends of the grid's intervals along each of c costs; the first begins at minus
            infinity, the last ends at the reference.
        levels: (L,) different scores to beat.
        level: which of them each cell has, shape (intervals of cost 1, …, intervals of cost c).
    """

    begin: tuple[Array, ...]
    end: tuple[Array, ...]
    levels: Array
    level: NDArray[np.int64]

    @classmethod
    def of(cls, costs: Array, scores: Array, reference: Array, floor: float) -> "Terraces":
        """Of the front of n points.

        Args:
            costs: (n, c).
            scores: (n,) believed scores.
            reference: (c,) the most of each cost that counts.
            floor: reference score.
        """
        inside = np.flatnonzero((costs <= reference).all(axis=1) & (scores > floor))
        members = inside[front_of(costs[inside].tolist(), scores[inside].tolist())]
        edges = [np.unique(costs[members, d]) for d in range(len(reference))]
        heights = np.full([len(e) + 1 for e in edges], floor)
        for i in members:  # it is there in every cell whose lower corner it is not above
            cells = tuple(
                slice(int(np.searchsorted(e, costs[i, d])) + 1, None) for d, e in enumerate(edges)
            )
            heights[cells] = np.maximum(heights[cells], scores[i])
        levels, level = np.unique(heights, return_inverse=True)
        return cls(
            tuple(np.array([-math.inf, *e]) for e in edges),
            tuple(np.array([*e, r]) for e, r in zip(edges, reference, strict=True)),
            levels,
            np.asarray(level, dtype=np.int64).reshape(heights.shape),
        )

    def improvement(self, improvement: Callable[[Array], Array], costs: Array) -> Array:
        """Expected gain of hypervolume of each of n candidates; (n,).

        Args:
            improvement: as in `expected_hypervolume_improvement`.
            costs: (n, c) of the candidates.
        """
        widths = [
            np.maximum(0.0, end - np.maximum(begin, costs[:, d, None]))
            for d, (begin, end) in enumerate(zip(self.begin, self.end, strict=True))
        ]
        owner = np.zeros((self.level.size, len(self.levels)))
        owner[np.arange(self.level.size), self.level.ravel()] = 1.0
        volumes = np.empty((len(costs), len(self.levels)))
        for start in range(0, len(costs), 256):
            cells = np.ones((len(costs[start : start + 256]), 1))
            for width in widths:
                part = width[start : start + 256]
                cells = (cells[:, :, None] * part[:, None, :]).reshape(len(part), -1)
            volumes[start : start + 256] = cells @ owner
        return np.asarray((volumes * improvement(self.levels)).sum(axis=1))
