"""Architectures that can be told in a few words: methods with one size in a range of layers."""

import numpy as np
from numpy.typing import NDArray

from autopelt.space.bound import BoundSpace
from autopelt.space.points import unique_points
from autopelt.space.rates import odds
from autopelt.space.tables import Matrix, PriceTables

PARTS = 3
"""A simple architecture has at most so many runs of layers with one method, size and gate."""


def parts(space: PriceTables, points: Matrix) -> NDArray[np.int64]:
    """How many such runs each point has, and modules that no layer has; (N, D) -> (N,)."""
    dimensions, gates = space.rows_by_layer
    sizes = np.where(dimensions >= 0, points[:, dimensions], 0)
    told = 2 * sizes + np.where((gates >= 0) & (sizes > 0), points[:, gates], 0)
    before = np.concatenate([np.zeros_like(told[..., :1]), told[..., :-1]], axis=-1)
    runs = ((told > 1) & (told != before)).sum(axis=(1, 2))
    other = np.setdiff1d(space.size_dimensions, dimensions)
    return np.asarray(runs + (points[:, other] > 0).sum(axis=1))


def sample_simple(space: BoundSpace, rng: np.random.Generator, count: int) -> Matrix:
    """About `count` different feasible points of one to three runs, half of them in all layers.

    Sizes that are too much go down together. Empty where the space has no rows by layer.
    """
    dimensions, gates = space.rows_by_layer
    rows, layers = dimensions.shape
    points = np.zeros((count, len(space.dimensions)), dtype=np.int64)
    if rows == 0:
        return points[:0]
    lengths = [len(space.dimensions[row[row >= 0][0]].values) for row in dimensions]
    chance = odds(space.space.learning_rate_multiplier)
    for point in points:
        first, last = 0, layers
        if rng.random() < 0.5:
            length = int(rng.integers((layers + 2) // 3, layers + 1))
            first = int(rng.integers(0, layers - length + 1))
            last = first + length
        many = min(rows, 1 + int(rng.choice(PARTS, p=(0.5, 0.35, 0.15))))
        for r in rng.choice(rows, many, replace=False).tolist():
            here = dimensions[r, first:last]
            point[here[here >= 0]] = rng.integers(1, lengths[r])
            there = gates[r, first:last]
            point[there[there >= 0]] = int(rng.random() < 0.25)
        for dimension in space.variants.values():
            point[dimension] = rng.integers(len(space.dimensions[dimension].values))
        if space.multiplier is not None:
            point[space.multiplier] = rng.choice(len(chance), p=chance)
    sizes = space.size_dimensions
    for _ in range(max(lengths)):
        over = ~space.all_feasible(space.all_canonical(points))
        points[over[:, None] & np.isin(np.arange(points.shape[1]), sizes) & (points > 1)] -= 1
    points = space.all_canonical(points)
    return unique_points(points[space.all_feasible(points)])
