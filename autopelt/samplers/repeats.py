"""Which architecture to train again: the one whose next score is worth the most.

The knowledge gradient of a set of known architectures (Frazier, Powell and Dayanik, 2009): their
expected scores are jointly normal, one more training of i moves them all along one direction
sd_i = C_i / sqrt(C_ii + noise), so what the best expected score will be afterwards is an integral
over one normal variable. The same for the front: the hypervolume of expected scores afterwards.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from autopelt.statistics.pareto import hypervolume

Array = NDArray[np.float64]

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
"""Of the integral over a standard normal variable."""
Worth = Callable[[Array], float]
"""What a study is worth with such expected scores, (n,) -> larger is better."""


def best_of(scores: Array) -> float:
    """The study is asked for one architecture."""
    return float(scores.max())


def front_of_size(parameters: list[int], limit: int, reference_score: float) -> Worth:
    """The study is asked for the front of score against parameters."""

    def worth(scores: Array) -> float:
        points = list(zip(parameters, scores.tolist(), strict=True))
        return hypervolume(points, limit, reference_score)

    return worth


def knowledge_gradient(means: Array, covariance: Array, noise: float, worth: Worth) -> Array:
    """Expected gain of `worth` by one more training of each of n architectures; (n,).

    Args:
        means, covariance: (n,), (n, n) of the expected scores.
        noise: deviation of one training.
    """
    variance = np.maximum(covariance.diagonal(), 1e-18)
    directions = covariance / np.sqrt(variance + noise**2)
    share = WEIGHTS / WEIGHTS.sum()
    now = worth(means)
    return np.array(
        [
            sum(
                weight * worth(means + node * direction)
                for node, weight in zip(NODES, share, strict=True)
            )
            - now
            for direction in directions.T
        ]
    )
