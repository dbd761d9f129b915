"""The chance that a training learns nothing, which depends on the random seed and on the rate.

A training that ends far below what is expected of its architecture (an outlier of `surrogate`) says
nothing about how well the architecture does when it learns. It is an event of its own: each
architecture has a chance of it, a beta-distributed share. Its prior is what happened over the whole
study; trainings of like architectures count by how alike they are, first of all in their learning
rates.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PRIOR = (1.0, 20.0)
"""Collapses and trainings that a study is taken to have seen before its first."""
STRENGTH = 10.0
"""Trainings for which the whole study's share counts beside those of like architectures."""
OCTAVES = 1.0
"""Learning rates this many octaves apart are alike with weight exp(-1/2)."""


@dataclass(frozen=True)
class Collapse:
    """Chances of collapse, given which of n trainings collapsed.

    Attributes:
        x: (n, F) structured features, of which two random architectures are `groups` apart in
            squared distance.
        octaves: (n,) log2 of the learning-rate multipliers.
        collapsed: (n,) whether a training did.
        scores: (n,) what they scored.
    """

    x: Array
    groups: int
    octaves: Array
    collapsed: NDArray[np.bool_]
    scores: Array

    @property
    def fallen(self) -> float:
        """What a collapsed training scores; the lowest score where none has."""
        some = self.scores[self.collapsed]
        return float(some.mean() if len(some) else self.scores.min())

    def chance(self, x: Array, octaves: Array) -> Array:
        """(m,) at (m, F) features and their (m,) rates."""
        count = len(self.collapsed)
        share = (PRIOR[0] + self.collapsed.sum()) / (PRIOR[1] + count)
        squares = (x**2).sum(axis=1)[:, None] + (self.x**2).sum(axis=1)
        apart = np.maximum(squares - 2 * x @ self.x.T, 0.0) / self.groups
        apart += ((octaves[:, None] - self.octaves) / OCTAVES) ** 2
        alike = np.exp(-0.5 * apart)
        total = STRENGTH + alike.sum(axis=1)
        return np.asarray((STRENGTH * share + alike @ self.collapsed) / total)

    def expected(self, means: Array, chance: Array) -> Array:
        """Expected scores with collapses counted; (m,), (m,) -> (m,)."""
        return np.asarray((1 - chance) * means + chance * np.minimum(means, self.fallen))
