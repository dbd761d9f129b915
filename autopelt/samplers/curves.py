"""Where a learning curve will probably end, from curves that were as far at the same epoch.

The score of a trial is that of its best epoch. So curves are compared by the best score so far, and
what is still to come is a gain of at least 0. Gains are learned, not assumed: curves that lay on a
plateau for an epoch and then jumped are among them, and give the final score a second mode.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]

FAR = 0.02
"""Weight of a curve that was nowhere near: it counts only where none was near."""


@dataclass(frozen=True)
class FinalScore:
    """What a partial learning curve may end with: a weighted mixture of normals.

    Attributes:
        scores: (k,) final score if it gained what the k-th complete curve gained.
        weights: (k,) how near the curves were at that epoch, above 0.
        width: deviation of each normal.
        support: number of complete curves that were about as far.
    """

    scores: Array
    weights: Array
    width: float
    support: float

    @property
    def mean(self) -> float:
        """Expected final score."""
        return float(self.weights @ self.scores / self.weights.sum())

    @property
    def variance(self) -> float:
        """Of the final score; larger where few curves support it."""
        spread = float(self.weights @ (self.scores - self.mean) ** 2 / self.weights.sum())
        return (spread + self.width**2) * (1 + 2 / max(1.0, self.support))

    def probability(self, above: float, mean: float, deviation: float) -> float:
        """Probability of ending above a score, given also an independent normal prediction.

        Each normal of the mixture is multiplied with the prediction: its weight grows with how well
        the two agree, its mean and deviation are those of the product.

        Args:
            above: the score.
            mean, deviation: of the prediction, which knows the architecture and not the curve.
        """
        total = deviation**2 + self.width**2
        fit = np.log(self.weights) - 0.5 * (self.scores - mean) ** 2 / total
        weights = np.exp(fit - fit.max())
        centre = (self.scores * deviation**2 + mean * self.width**2) / total
        width = self.width * deviation / math.sqrt(total)
        return float(weights @ ndtr((centre - above) / width) / weights.sum())


def extrapolate(partial: Sequence[float], complete: Sequence[Sequence[float]]) -> FinalScore | None:
    """Where a partial curve may end, None where fewer than two curves were trained further.

    Args:
        partial: scores after epochs 1, 2, …
        complete: curves of trials that were trained to the end.
    """
    rung = len(partial)
    curves = [c for c in complete if len(c) > rung and all(map(math.isfinite, c))]
    if len(curves) < 2 or not all(map(math.isfinite, partial)):
        return None
    so_far = np.array([max(c[:rung]) for c in curves])
    gains = np.array([max(c) for c in curves]) - so_far
    own = max(partial)
    shrink = len(curves) ** -0.2  # Scott's rule
    near = np.exp(-0.5 * ((so_far - own) / max(1e-9, float(so_far.std()) * shrink)) ** 2)
    weights = near + FAR
    spread = gains - weights @ gains / weights.sum()
    deviation = math.sqrt(float(weights @ spread**2 / weights.sum()))
    width = max(deviation * shrink, 0.05 * float(so_far.std()), 1e-6)
    return FinalScore(own + gains, weights, width, float(near.sum()))
