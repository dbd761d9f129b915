"""The surrogate of the score: a Gaussian process of how far a score stays below a ceiling.

The process is on w = -log(ceiling - score). Scores saturate: they vary much among small
architectures and hardly among large ones, which no stationary process fits; w does not saturate.
The ceiling lies `gap` deviations of the scores above the best; a large gap leaves scores as they
are. Noise is equal in scores, so in w it grows with the slope. A score is said in w by the tangent
at what the process expects of it, found by fitting more than once (a Gauss-Newton step of a Laplace
approximation; Rasmussen and Williams, 2006, section 3.4), not at the score as it was observed.

The kernel is an ordinary gpytorch kernel (`kernel`). Fitting and prediction are exact and written
out: the gradient of the marginal likelihood needs one inverse, and a proposal evaluates tens of
thousands of points.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtr
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from autopelt.samplers.kernel import NOISE, HybridKernel

Array = NDArray[np.float64]

OUTLIER = -3.0
"""Leave-one-out residual, in standard deviations, below which a training counts as failed."""
OUTLIER_NOISE = 100.0
ROUNDS = 2
"""How often scores are said anew by the tangent at what is then expected of them."""
NEAREST = 0.03
"""Of the scores' deviation: as near to the ceiling as an expected score may lie."""
_JITTER = 1e-6


@dataclass(frozen=True)
class Hyperparameters:
    """Of a fit, to begin the next from: the kernel's logarithms, then that of the noise."""

    values: Array
    gap: float


@dataclass(frozen=True)
class Posterior:
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


class Surrogate:
    """A Gaussian process on observed scores.

    Args:
        x: (n, F) features.
        y: (n,) scores, finite.
        groups, raw, sources: columns, as for `HybridKernel`.
        variances: (n,) of each score beyond the common noise, in squared units of the score.
        gap: distance of the ceiling above the best score, in deviations of the scores.
        start: hyperparameters to begin from; the priors' medians where None.
        steps: the most evaluations of the marginal likelihood; 0 takes `start` as it is.
    """

    def __init__(
        self,
        x: Array,
        y: Array,
        groups: Sequence[slice],
        raw: int,
        *,
        sources: int = 0,
        variances: Array | None = None,
        gap: float = 10.0,
        start: Hyperparameters | None = None,
        steps: int = 60,
    ) -> None:
        self.gap = gap
        self._scores, self._variances = y, np.zeros(len(y)) if variances is None else variances
        deviation = float(np.sqrt(np.mean((y - np.median(y)) ** 2))) or 1.0
        self.ceiling = float(y.max()) + gap * deviation
        self._nearest = NEAREST * deviation
        self._x = _tensor(x)
        self._factor = torch.ones(len(y), dtype=torch.float64)
        self.kernel = HybridKernel(groups, raw, sources)
        self.log_noise = NOISE.parameter()
        self._parameters = [*self.kernel.parameters(), self.log_noise]
        if start is not None:
            self._load(start.values)
        self._linearise(y)
        self._fit(steps)
        for _ in range(ROUNDS):
            self._linearise(self.predict(x).mean)
            self._fit(steps)
        self.outliers = self.leave_one_out() < OUTLIER
        if self.outliers.any():
            self._factor[torch.from_numpy(self.outliers)] = OUTLIER_NOISE
            self._fit(steps)

    def _linearise(self, at: Array) -> None:
        """Say the scores in w by the tangent at what is expected of each, (n,) `at`.

        Noise is equal in scores. Said in w at the score itself, a lucky score near the ceiling
        would seem likelier than it is and an unlucky one less likely, which draws the ceiling near.
        """
        room = np.maximum(self.ceiling - at, self._nearest)
        slope = 1 / room
        w = -np.log(room) + slope * (self._scores - (self.ceiling - room))
        self.centre = float(np.median(w))
        self.unit = float(np.sqrt(np.mean((w - self.centre) ** 2))) or 1.0
        self._y = torch.from_numpy((w - self.centre) / self.unit)
        steep = (slope / self.unit) ** 2
        self._extra = torch.from_numpy(self._variances * steep)
        self._steepness = float(np.median(steep))
        self._relative = torch.from_numpy(steep / self._steepness)
        self._jacobian = float(np.log(slope / self.unit).sum())

    # ------------------------------------------------------------------ fitting
    @property
    def hyperparameters(self) -> Hyperparameters:
        """Those of the fit."""
        with torch.no_grad():
            return Hyperparameters(parameters_to_vector(self._parameters).numpy(), self.gap)

    def _load(self, values: Array) -> None:
        vector_to_parameters(torch.from_numpy(values.copy()), self._parameters)

    def _noise(self) -> Tensor:
        """(n,) variance of the noise in w."""
        return (self.log_noise.exp() * self._relative + self._extra) * self._factor + _JITTER

    def _covariance(self) -> Tensor:
        """(n, n) of the observed scores in w, with their noise."""
        return self.kernel.forward(self._x, self._x) + torch.diag(self._noise())

    def _objective(self, values: Array) -> tuple[float, Array]:
        """Minus the log posterior of the hyperparameters, and its gradient."""
        self._load(values)
        covariance = self._covariance()
        with torch.no_grad():
            lower, failed = torch.linalg.cholesky_ex(covariance)
            if int(failed):
                return 1e10, np.zeros_like(values)
            inverse = torch.cholesky_inverse(lower)
            alpha = inverse @ self._y
            value = 0.5 * float(self._y @ alpha) + float(lower.diagonal().log().sum())
            slope = 0.5 * (inverse - alpha[:, None] * alpha)
        prior = -(self.kernel.log_prior() + NOISE.log_density(self.log_noise))
        total = (covariance * slope).sum() + prior
        gradients = torch.autograd.grad(total, self._parameters)
        return value + float(prior.detach()), parameters_to_vector(gradients).numpy()

    def _fit(self, steps: int) -> None:
        """Maximise the posterior of the hyperparameters, and condition on the scores."""
        if steps > 0:
            begin, most = self.hyperparameters.values, max(5, steps // 2)
            result = minimize(
                self._objective,
                begin,
                jac=True,
                method="L-BFGS-B",
                bounds=[(-14.0, 6.0)] * (len(begin) - 1) + [(-9.0, 3.0)],
                options={"maxfun": most, "maxiter": most},
            )
            self._load(np.asarray(result.x if np.isfinite(result.fun) else begin))
        with torch.no_grad():
            self._lower = torch.linalg.cholesky(self._covariance())
            self._alpha = torch.cholesky_solve(self._y[:, None], self._lower)[:, 0]

    @property
    def evidence(self) -> float:
        """Log posterior density of the scores and hyperparameters, to compare gaps."""
        return self._jacobian - self._objective(self.hyperparameters.values)[0]

    @property
    def noise(self) -> float:
        """Deviation of a training's score from what is expected of its architecture."""
        return math.sqrt(math.exp(float(self.log_noise.detach())) / self._steepness)

    def leave_one_out(self) -> Array:
        """(n,) residual of each score from the others' prediction, in standard deviations."""
        with torch.no_grad():
            diagonal = torch.cholesky_inverse(self._lower).diagonal()
            return np.asarray((self._alpha / diagonal.sqrt()).numpy())

    # ------------------------------------------------------------------ prediction
    def predict(self, x: Array) -> Posterior:
        """What is expected of the scores (without noise) at (m, F) features."""
        with torch.no_grad():
            points = _tensor(x)
            cross = self.kernel.forward(points, self._x)
            mean = cross @ self._alpha
            solved = torch.linalg.solve_triangular(self._lower, cross.T, upper=False)
            prior = self.kernel.forward(points, points, diag=True)
            variance = torch.clamp_min(prior - solved.square().sum(0), 1e-10)
            return Posterior(
                (mean * self.unit + self.centre).numpy(),
                (variance.sqrt() * self.unit).numpy(),
                self.ceiling,
            )

    def standardised(self, x: Array) -> Array:
        """(m,) what is expected at (m, F) features, on the process's own scale; 0 is its median."""
        with torch.no_grad():
            return np.asarray((self.kernel.forward(_tensor(x), self._x) @ self._alpha).numpy())

    def fantasize(self, x: Array) -> None:
        """Condition on (m, F) pending points, as if each scored its mean ("Kriging believer").

        Means stay as they are; deviations shrink around the points. Their rows join the Cholesky
        factor, which costs as much as m predictions.
        """
        if len(x) == 0:
            return
        with torch.no_grad():
            points = _tensor(x)
            cross = self.kernel.forward(points, self._x)
            mean = cross @ self._alpha
            side = torch.linalg.solve_triangular(self._lower, cross.T, upper=False).T
            noise = self.log_noise.exp() + _JITTER
            corner = self.kernel.forward(points, points) - side @ side.T
            corner += noise * torch.eye(len(points), dtype=torch.float64)
            n, m = side.T.shape
            lower = torch.zeros((n + m, n + m), dtype=torch.float64)
            lower[:n, :n] = self._lower
            lower[n:, :n] = side
            lower[n:, n:] = torch.linalg.cholesky(corner)
            self._lower = lower
            self._x = torch.cat([self._x, points])
            self._y = torch.cat([self._y, mean])
            self._alpha = torch.cat([self._alpha, torch.zeros(m, dtype=torch.float64)])


def _tensor(x: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(x))
