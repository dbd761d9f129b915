"""Between scores and w = -log(ceiling - score), on which the surrogate is a Gaussian process."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from botorch.models.transforms.outcome import OutcomeTransform
from botorch.posteriors.transformed import TransformedPosterior
from numpy.typing import NDArray
from scipy.special import ndtr
from torch import Tensor

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ScorePosterior:
    """What is expected of the scores of n candidates: ceiling - score is log-normal.

    Attributes:
        location, spread: (n,) mean and deviation of w = -log(ceiling - score).
    """

    location: Array
    spread: Array
    ceiling: float

    @cached_property
    def _shortfall(self) -> Array:
        """(n,) expectation of ceiling - score."""
        return np.asarray(np.exp(np.minimum(-self.location + 0.5 * self.spread**2, 600.0)))

    @property
    def mean(self) -> Array:
        """(n,) expected score."""
        return np.asarray(self.ceiling - self._shortfall)

    @property
    def deviation(self) -> Array:
        """(n,) standard deviation of the score."""
        return np.asarray(self._shortfall * np.sqrt(np.expm1(np.minimum(self.spread**2, 600.0))))

    def expected_improvement(self, best: Array | float) -> Array:
        """E[max(0, score - best)], exactly; (k,) or a number -> (n, k) or (n, 1).

        With K = ceiling - best and X = ceiling - score it is E[max(0, K - X)] of a log-normal X,
        K Phi(a) - E[X] Phi(a - spread) with a = (log K + location) / spread.
        """
        room = np.maximum(self.ceiling - np.atleast_1d(best), 1e-300)
        location, spread = self.location[:, None], self.spread[:, None]
        a = (np.log(room) + location) / spread
        below = self._shortfall[:, None] * ndtr(a - spread)
        return np.asarray(np.maximum(0.0, room * ndtr(a) - below))


class CeilingTransform(OutcomeTransform):
    """Scores to standardised w = -log(ceiling - score), and posteriors back to scores."""

    def __init__(self, ceiling: float, centre: float, unit: float, nearest: float) -> None:
        super().__init__()
        self.ceiling, self.centre, self.unit, self.nearest = ceiling, centre, unit, nearest

    def forward(
        self,
        Y: Tensor,  # noqa: N803 - BoTorch's names
        Yvar: Tensor | None = None,  # noqa: N803
        X: Tensor | None = None,  # noqa: N803
    ) -> tuple[Tensor, Tensor | None]:
        """Scores to w."""
        room = torch.clamp_min(self.ceiling - Y, self.nearest)
        variance = None if Yvar is None else Yvar / (room * self.unit).square()
        return (-room.log() - self.centre) / self.unit, variance

    def untransform(
        self,
        Y: Tensor,  # noqa: N803 - BoTorch's names
        Yvar: Tensor | None = None,  # noqa: N803
        X: Tensor | None = None,  # noqa: N803
    ) -> tuple[Tensor, Tensor | None]:
        """Back to scores."""
        room = torch.exp(-(Y * self.unit + self.centre))
        return self.ceiling - room, None if Yvar is None else Yvar * (room * self.unit).square()

    def untransform_posterior(self, posterior: Any, X: Any = None) -> Any:  # noqa: N803
        """Of a Gaussian w: ceiling - score is log-normal."""

        def mean(m: Tensor, v: Tensor) -> Tensor:
            w, spread = m * self.unit + self.centre, v * self.unit**2
            return self.ceiling - torch.exp(-w + 0.5 * spread)

        def variance(m: Tensor, v: Tensor) -> Tensor:
            spread = v * self.unit**2
            return (self.ceiling - mean(m, v)).square() * torch.expm1(spread)

        return TransformedPosterior(posterior, lambda w: self.untransform(w)[0], mean, variance)
