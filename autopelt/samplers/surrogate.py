"""The surrogate of the score: a Gaussian process whose kernel knows what a network looks like.

Notation: x structured features in groups g (see `features`), z raw choices, n observations.

    k(a, b) = s_m M(sum_g |x_a - x_b|_g^2 / l_g^2) + s_l (1 + <x_a, x_b>) / G
            + s_z M(sum_i rho_i (z_a - z_b)_i^2) + s_t t_a t_b

with M the Matérn 5/2 function of a squared distance. The first line is smooth over depth and shares
one length scale l_g per group; the second catches the few single choices that no structure
foretells: its inverse squared length scales rho_i carry the half-Cauchy shrinkage of SAAS
(Eriksson and Jankowiak, UAI 2021), here by maximum a posteriori. Log-normal priors on all others.
The last term is there in a study with a warm start: t is what another study's surrogate expects.
It is a regression on t whose coefficient, of either sign, is integrated out exactly with variance
s_t, so the evidence says how much of the other study holds here, if anything.

The process is on w = -log(ceiling - score). Scores saturate: they vary much among small
architectures and hardly among large ones, which no stationary process fits; w does not saturate.
The ceiling lies `gap` deviations of the scores above the best; a large gap leaves scores as they
are. Noise is equal in scores, so in w it grows with the slope. A score is said in w by the tangent
at what the process expects of it, found by fitting more than once (a Gauss-Newton step of a Laplace
approximation; Rasmussen and Williams, 2006, section 3.4), not at the score as it was observed.

The kernel is an ordinary gpytorch kernel. Fitting and prediction are exact and written out: the
gradient of the marginal likelihood needs one inverse, and a proposal evaluates tens of thousands
of points.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import gpytorch
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtr
from torch import Tensor

Array = NDArray[np.float64]

OUTLIER = -3.0
"""Leave-one-out residual, in standard deviations, below which a training counts as failed."""
OUTLIER_NOISE = 100.0
ROUNDS = 2
"""How often scores are said anew by the tangent at what is then expected of them."""
NEAREST = 0.03
"""Of the scores' deviation: as near to the ceiling as an expected score may lie."""
_JITTER = 1e-6


class Prior(NamedTuple):
    """Log-normal prior of a positive hyperparameter: median and deviation of its logarithm."""

    median: float
    deviation: float


SCALE_MATERN = Prior(0.7, 1.0)
SCALE_LINEAR = Prior(0.3, 1.0)
SCALE_SPARSE = Prior(0.3, 1.0)
SCALE_SOURCE = Prior(0.3, 1.0)
NOISE = Prior(0.1, 1.0)
SHRINKAGE = 1.0
"""Scale of the half-Cauchy prior on each inverse squared length scale of a raw choice."""


class _Matern(torch.autograd.Function):
    """Matérn 5/2 of a squared distance: (1 + r + r^2 / 3) exp(-r) with r = sqrt(5 d)."""

    @staticmethod
    def forward(ctx: Any, squared: Tensor) -> Tensor:
        r = (5 * squared).sqrt_()
        decay = torch.exp(-r)
        ctx.save_for_backward(decay * (1 + r))
        return (1 + r + r.square() / 3).mul_(decay)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Tensor:
        (slope,) = ctx.saved_tensors
        return upstream[0] * slope * (-5 / 6)


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """(n, d), (m, d) -> (n, m)."""
    made = a.square().sum(-1)[..., :, None] + b.square().sum(-1)[..., None, :]
    return torch.clamp_min(made - 2 * a @ b.transpose(-1, -2), 0.0)


class HybridKernel(gpytorch.kernels.Kernel):
    """The kernel above, over columns [structured | raw | sources].

    Args:
        groups: columns of each group of the structured part.
        raw: number of raw columns that follow.
        sources: number of columns t after these; 0 without a warm start.

    Shapes: (n, width), (m, width) -> (n, m), or (n,) where `diag`; width counts all columns.
    """

    has_lengthscale = False

    def __init__(self, groups: Sequence[slice], raw: int, sources: int = 0) -> None:
        super().__init__()
        self.structured, self.raw_end = groups[-1].stop, groups[-1].stop + raw
        widths = torch.tensor([g.stop - g.start for g in groups])
        self.register_buffer("owner", torch.repeat_interleave(torch.arange(len(groups)), widths))
        self.length_prior = Prior(1.5 * math.sqrt(len(groups)), 1.0)
        self.log_length = torch.nn.Parameter(
            torch.full((len(groups),), math.log(self.length_prior.median), dtype=torch.float64)
        )
        scales = [math.log(p.median) for p in (SCALE_MATERN, SCALE_LINEAR, SCALE_SPARSE)]
        self.log_scale = torch.nn.Parameter(torch.tensor(scales, dtype=torch.float64))
        self.log_rho = torch.nn.Parameter(torch.full((raw,), math.log(0.5), dtype=torch.float64))
        self.log_source: torch.nn.Parameter | None = None
        if sources:
            median = math.log(SCALE_SOURCE.median)
            self.log_source = torch.nn.Parameter(
                torch.full((sources,), median, dtype=torch.float64)
            )

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **_: Any) -> Tensor:
        """Covariances of `x1` with `x2`."""
        scale = self.log_scale.exp()
        groups = len(self.log_length)
        inverse = torch.exp(-self.log_length)[self.owner]
        root = torch.exp(0.5 * self.log_rho)
        s, e = self.structured, self.raw_end
        if diag:
            near = (((x1[..., :s] - x2[..., :s]) * inverse).square()).sum(-1)
            raw = (((x1[..., s:e] - x2[..., s:e]) * root).square()).sum(-1)
            inner = (x1[..., :s] * x2[..., :s]).sum(-1)
        else:
            near = _squared_distances(x1[..., :s] * inverse, x2[..., :s] * inverse)
            raw = _squared_distances(x1[..., s:e] * root, x2[..., s:e] * root)
            inner = x1[..., :s] @ x2[..., :s].transpose(-1, -2)
        made: Tensor = scale[0] * _Matern.apply(near + 1e-15) + scale[2] * _Matern.apply(
            raw + 1e-15
        )
        made = made + scale[1] * (1 + inner) / groups
        if self.log_source is None:
            return made
        theirs = x1[..., e:] * self.log_source.exp()
        if diag:
            return made + (theirs * x2[..., e:]).sum(-1)
        return made + theirs @ x2[..., e:].transpose(-1, -2)

    def log_prior(self) -> Tensor:
        """Logarithm of the prior density of the hyperparameters, up to a constant; scalar."""
        length = _log_normal(self.log_length, self.length_prior)
        priors = (SCALE_MATERN, SCALE_LINEAR, SCALE_SPARSE)
        scales = sum(_log_normal(self.log_scale[i], prior) for i, prior in enumerate(priors))
        shrinkage = -torch.log1p((self.log_rho.exp() / SHRINKAGE).square()).sum()
        total = length + scales + shrinkage
        if self.log_source is not None:
            total = total + _log_normal(self.log_source, SCALE_SOURCE)
        return total


def _log_normal(log_value: Tensor, prior: Prior) -> Tensor:
    z = (log_value - math.log(prior.median)) / prior.deviation
    return -0.5 * z.square().sum()


@dataclass(frozen=True)
class Fit:
    """Hyperparameters of a fit, to begin the next from: kernel's, then the log noise."""

    values: Array
    gap: float


@dataclass(frozen=True)
class Belief:
    """What is believed of the scores of n candidates: ceiling - score is log-normal.

    Attributes:
        location, spread: (n,) mean and deviation of w = -log(ceiling - score).
    """

    location: Array
    spread: Array
    ceiling: float

    @property
    def mean(self) -> Array:
        """(n,) expected score."""
        return np.asarray(self.ceiling - self._room)

    @property
    def _room(self) -> Array:
        """(n,) expectation of ceiling - score."""
        return np.asarray(np.exp(np.minimum(-self.location + 0.5 * self.spread**2, 600.0)))

    @property
    def deviation(self) -> Array:
        """(n,) standard deviation of the score."""
        return np.asarray(self._room * np.sqrt(np.expm1(np.minimum(self.spread**2, 600.0))))

    def improvement(self, best: Array | float) -> Array:
        """E[max(0, score - best)], exactly; (k,) or a number -> (n, k) or (n, 1).

        With K = ceiling - best and X = ceiling - score it is E[max(0, K - X)] of a log-normal X,
        K Phi(a) - E[X] Phi(a - spread) with a = (log K + location) / spread.
        """
        room = np.maximum(self.ceiling - np.atleast_1d(best), 1e-300)
        location, spread = self.location[:, None], self.spread[:, None]
        a = (np.log(room) + location) / spread
        below = self._room[:, None] * ndtr(a - spread)
        return np.asarray(np.maximum(0.0, room * ndtr(a) - below))


class Surrogate:
    """A Gaussian process on observed scores.

    Args:
        x: (n, F) features.
        y: (n,) scores, finite.
        groups, raw, sources: columns, as for `HybridKernel`.
        extra: (n,) variance of each score beyond the common noise, in squared units of the score.
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
        extra: Array | None = None,
        gap: float = 10.0,
        start: Fit | None = None,
        steps: int = 60,
    ) -> None:
        self.gap = gap
        self._scores, self._variances = y, np.zeros(len(y)) if extra is None else extra
        deviation = float(np.sqrt(np.mean((y - np.median(y)) ** 2))) or 1.0
        self.ceiling = float(y.max()) + gap * deviation
        self._nearest = NEAREST * deviation
        self._x = torch.from_numpy(np.ascontiguousarray(x))
        self._linearise(y)
        self._factor = torch.ones(len(y), dtype=torch.float64)
        self.kernel = HybridKernel(groups, raw, sources)
        self.log_noise = torch.nn.Parameter(
            torch.tensor(math.log(NOISE.median), dtype=torch.float64)
        )
        self._parameters = [*self.kernel.parameters(), self.log_noise]
        if start is not None:
            self._load(start.values)
        if steps > 0:
            self._maximise(max(5, steps // 2))
        self._condition()
        for _ in range(ROUNDS):
            self._linearise(self.predict(x).mean)
            if steps > 0:
                self._maximise(max(5, steps // 2))
            self._condition()
        self.outliers = self.leave_one_out() < OUTLIER
        if self.outliers.any():
            self._factor[torch.from_numpy(self.outliers)] = OUTLIER_NOISE
            if steps > 0:
                self._maximise(max(5, steps // 2))
            self._condition()

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
    def fit(self) -> Fit:
        """The hyperparameters found."""
        with torch.no_grad():
            values = torch.cat([p.reshape(-1) for p in self._parameters]).numpy().copy()
            return Fit(values, self.gap)

    def _load(self, values: Array) -> None:
        start = 0
        with torch.no_grad():
            for p in self._parameters:
                part = values[start : start + p.numel()]
                p.copy_(torch.from_numpy(part.copy()).reshape(p.shape))
                start += p.numel()

    def _noise(self) -> Tensor:
        return (self.log_noise.exp() * self._relative + self._extra) * self._factor + _JITTER

    def _objective(self, values: Array) -> tuple[float, Array]:
        """Minus the log posterior of the hyperparameters, and its gradient."""
        self._load(values)
        covariance = self.kernel.forward(self._x, self._x) + torch.diag(self._noise())
        with torch.no_grad():
            lower, failed = torch.linalg.cholesky_ex(covariance)
            if int(failed):
                return 1e10, np.zeros_like(values)
            inverse = torch.cholesky_inverse(lower)
            alpha = inverse @ self._y
            value = 0.5 * float(self._y @ alpha) + float(lower.diagonal().log().sum())
            slope = 0.5 * (inverse - alpha[:, None] * alpha)
        prior = -(self.kernel.log_prior() + _log_normal(self.log_noise, NOISE))
        total = (covariance * slope).sum() + prior
        gradients = torch.autograd.grad(total, self._parameters)
        gradient = torch.cat([g.reshape(-1) for g in gradients]).numpy()
        return value + float(prior.detach()), gradient

    def _maximise(self, steps: int) -> None:
        begin = self.fit.values
        bounds = [(-14.0, 6.0)] * (len(begin) - 1) + [(-9.0, 3.0)]
        found = minimize(
            self._objective,
            begin,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxfun": steps, "maxiter": steps},
        )
        self._load(np.asarray(found.x if np.isfinite(found.fun) else begin))

    def _condition(self) -> None:
        with torch.no_grad():
            covariance = self.kernel.forward(self._x, self._x) + torch.diag(self._noise())
            self._lower = torch.linalg.cholesky(covariance)
            self._alpha = torch.cholesky_solve(self._y[:, None], self._lower)[:, 0]

    @property
    def evidence(self) -> float:
        """Log posterior density of the scores and hyperparameters, to compare gaps."""
        return self._jacobian - self._objective(self.fit.values)[0]

    @property
    def noise(self) -> float:
        """Deviation of a training's score from what is believed of its architecture."""
        return math.sqrt(math.exp(float(self.log_noise.detach())) / self._steepness)

    def leave_one_out(self) -> Array:
        """(n,) residual of each score from the others' prediction, in standard deviations."""
        with torch.no_grad():
            diagonal = torch.cholesky_inverse(self._lower).diagonal()
            made: Array = (self._alpha / diagonal.sqrt()).numpy()
            return made

    # ------------------------------------------------------------------ prediction
    def predict(self, x: Array) -> Belief:
        """What is believed of the scores (without noise) at (m, F) features."""
        with torch.no_grad():
            points = torch.from_numpy(np.ascontiguousarray(x))
            cross = self.kernel.forward(points, self._x)
            mean = cross @ self._alpha
            solved = torch.linalg.solve_triangular(self._lower, cross.T, upper=False)
            prior = self.kernel.forward(points, points, diag=True)
            variance = torch.clamp_min(prior - solved.square().sum(0), 1e-10)
            return Belief(
                (mean * self.unit + self.centre).numpy(),
                (variance.sqrt() * self.unit).numpy(),
                self.ceiling,
            )

    def standardised(self, x: Array) -> Array:
        """(m,) what is expected at (m, F) features, on the process's own scale; 0 is its median."""
        with torch.no_grad():
            points = torch.from_numpy(np.ascontiguousarray(x))
            made: Array = (self.kernel.forward(points, self._x) @ self._alpha).numpy()
            return made

    def believe(self, x: Array) -> None:
        """Condition on (m, F) points that are being trained, as if each scored its mean.

        Means stay as they are; deviations shrink around the points. Their rows join the Cholesky
        factor, which costs as much as m predictions.
        """
        if len(x) == 0:
            return
        with torch.no_grad():
            points = torch.from_numpy(np.ascontiguousarray(x))
            cross = self.kernel.forward(points, self._x)
            mean = cross @ self._alpha
            side = torch.linalg.solve_triangular(self._lower, cross.T, upper=False).T
            noise = self.log_noise.exp() + _JITTER
            corner = self.kernel.forward(points, points) - side @ side.T
            corner += noise * torch.eye(len(points), dtype=torch.float64)
            n, m = len(self._y), len(points)
            lower = torch.zeros((n + m, n + m), dtype=torch.float64)
            lower[:n, :n] = self._lower
            lower[n:, :n] = side
            lower[n:, n:] = torch.linalg.cholesky(corner)
            self._lower = lower
            self._x = torch.cat([self._x, points])
            self._y = torch.cat([self._y, mean])
            self._alpha = torch.cat([self._alpha, torch.zeros(m, dtype=torch.float64)])
