"""What an architecture will cost beside its parameters: learned, as it cannot be counted.

Latency and memory are nearly sums over modules: a fixed part for each that is there, a part that
grows with its size, and a part for every layer that the backward pass reaches. Forgetting and drift
grow with sizes as well, and with the learning rate. So a ridge regression on these
amounts (`Features.amounts`) is enough; its strength is chosen by leave-one-out error.
Candidates and what was measured are compared by what the regression says of both: its errors then
cancel to a part, and a lucky measurement blocks nothing.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from autopelt.samplers.features import Features, Points
from autopelt.samplers.history import Observation

Array = NDArray[np.float64]

PENALTIES = tuple(10.0**k for k in range(-4, 4))
BEYOND = 0.5
"""Predictions stay within the range of what was measured, and so many ranges beyond."""


class CostModel:
    """Regressions of all measured costs of a study.

    Args:
        features: of the space.
        observed: trials; those without costs teach nothing.
        costs: of a trial, those that are modelled; by default the objectives.

    Attributes:
        count: number of measured costs c; 0 where there are none.
        reference: (c,) the most of each cost that counts.
        deviation: (c,) of the regressions' errors, leave-one-out.
    """

    def __init__(
        self,
        features: Features,
        observed: Sequence[Observation],
        costs: Callable[[Observation], tuple[float, ...]] = lambda o: o.costs,
    ) -> None:
        self.features = features
        known = [o for o in observed if costs(o)]
        self.count = len(costs(known[0])) if known else 0
        self.reference: Array = np.empty(0)
        self.deviation: Array = np.empty(0)
        if not known:
            return
        x = features.amounts(known)
        y = np.array([costs(o) for o in known], dtype=np.float64)
        self._shift, self._scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-12)
        self._centre = y.mean(axis=0)
        z, target = (x - self._shift) / self._scale, y - self._centre
        fits = [_ridge(z, column) for column in target.T]
        self._weights = np.stack([weights for weights, _ in fits], axis=1)  # (A, c)
        self.deviation = np.sqrt([error for _, error in fits])
        room = BEYOND * (y.max(axis=0) - y.min(axis=0))
        self._least, self.reference = y.min(axis=0) - room, y.max(axis=0) + room

    def of(self, points: Points) -> Array:
        """Costs, as the regression has them, of points of the space or of trials; (n, c)."""
        if not self.count:
            return np.empty((len(points), 0))
        scaled = (self.features.amounts(points) - self._shift) / self._scale
        costs = scaled @ self._weights + self._centre
        return np.asarray(np.clip(costs, self._least, self.reference))


class WithinLimits:
    """How likely architectures keep within limits on measured costs.

    The factor of constrained expected improvement (Gardner et al. 2014), by normal errors of a
    `CostModel`.

    Args:
        limits: the most of each of `Observation.limited`.
    """

    def __init__(
        self, features: Features, observed: Sequence[Observation], limits: Sequence[float]
    ) -> None:
        self.limits = np.array(limits)
        self.costs = CostModel(features, observed, lambda o: o.limited)

    def chance(self, points: Points) -> Array:
        """(n,) from 0 to 1; 1 where nothing was measured yet."""
        if not self.costs.count:
            return np.ones(len(points))
        room = self.limits - self.costs.of(points)
        scale = np.maximum(self.costs.deviation, 1e-9 * (1 + np.abs(self.limits)))
        return np.asarray(ndtr((room + 1e-12) / scale).prod(axis=1))


def _ridge(z: Array, y: Array) -> tuple[Array, float]:
    """Weights with the smallest leave-one-out error of all `PENALTIES`; (n, A), (n,) -> (A,).

    And that error, squared.
    """
    left, singular, right = np.linalg.svd(z, full_matrices=False)
    inner, best, weights = left.T @ y, np.inf, np.zeros(z.shape[1])
    for penalty in PENALTIES:
        damped = singular**2 + penalty * len(y)
        shrink = singular**2 / damped
        leverage = (left**2) @ shrink + 1 / len(y)  # the mean was taken off before
        residuals = (y - left @ (shrink * inner)) / np.maximum(1e-6, 1 - leverage)
        error = float(np.mean(residuals**2))
        if error < best:
            best, weights = error, right.T @ (singular / damped * inner)
    return weights, best
