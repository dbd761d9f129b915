"""The surrogate of the score: a Gaussian process of how far a score stays below a ceiling.

The process is on w = -log(ceiling - score). Scores saturate: they vary much among small
architectures and hardly among large ones, which no stationary process fits; w does not saturate.
The ceiling lies `gap` deviations of the scores above the best; a large gap leaves scores as they
are. Noise is equal in scores, so in w it grows with the slope. A score is said in w by the tangent
at what the process expects of it, found by fitting more than once (a Gauss-Newton step of a Laplace
approximation; Rasmussen and Williams, 2006, section 3.4), not at the score as it was observed.

It is a BoTorch model: `Surrogate.posterior` is what any BoTorch acquisition function takes, with
scores as they are reported, and the fit is BoTorch's. Prediction of many points at once
(`Surrogate.predict`) and the gradient of the marginal likelihood are written out, as a proposal
evaluates tens of thousands of points.
"""

import copy
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from botorch.exceptions.warnings import OptimizationWarning
from botorch.models import SingleTaskGP
from botorch.optim.fit import fit_gpytorch_mll_scipy
from gpytorch.likelihoods.gaussian_likelihood import _GaussianLikelihoodBase
from gpytorch.likelihoods.noise_models import Noise
from gpytorch.means import ZeroMean
from gpytorch.mlls import ExactMarginalLogLikelihood
from gpytorch.models import ExactGP
from linear_operator.operators import DiagLinearOperator
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from autopelt.samplers.ceiling import CeilingTransform, ScorePosterior
from autopelt.samplers.kernel import NOISE, HybridKernel

Array = NDArray[np.float64]

OUTLIER = -3.0
"""Leave-one-out residual, in standard deviations, below which a training counts as failed."""
OUTLIER_NOISE = 100.0
SUSPECT = 4.5
"""Median absolute deviations below the median, from which a score is not believed at first."""
ROUNDS = 2
"""How often scores are said anew by the tangent at what is then expected of them."""
NEAREST = 0.03
"""Of the scores' deviation: as near to the ceiling as an expected score may lie."""
AT_ONCE = 2**16
"""Covariances made at once: more leave the processor's cache and take half as long again."""
_JITTER = 1e-6


@dataclass(frozen=True)
class Hyperparameters:
    """Of a fit, to begin the next from: the kernel's logarithms, then that of the noise."""

    values: Array
    gap: float


class ScoreNoise(Noise):
    """Noise that is equal in scores: in w it grows with the slope of each observation.

    Attributes:
        log_level: logarithm of the variance where the slope is the median one; fitted.
        relative, extra, factor: (n,) of each observation: squared slope over the median's, variance
            beyond the common noise, and how much less an outlier counts.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        NOISE.register(self, "log_level")
        ones = torch.ones(count, dtype=torch.float64)
        for name, value in (("relative", ones), ("extra", 0 * ones), ("factor", ones.clone())):
            self.register_buffer(name, value)

    def variances(self) -> Tensor:
        """(n,) of the observations."""
        return (self.log_level.exp() * self.relative + self.extra) * self.factor + _JITTER

    def forward(self, *inputs: Any, shape: torch.Size, **_: Any) -> DiagLinearOperator:
        """Of the observations where there are as many rows, of new trainings elsewhere."""
        if shape[-1] == len(self.relative):
            return DiagLinearOperator(self.variances().expand(shape))
        return DiagLinearOperator((self.log_level.exp() + _JITTER).expand(shape))


class Surrogate(SingleTaskGP):
    """A Gaussian process on observed scores.

    Args:
        x: (n, F) features.
        y: (n,) scores, finite.
        groups, raw, sources: columns, as for `HybridKernel`.
        variances: (n,) of each score beyond the common noise, in squared units of the score.
        gap: distance of the ceiling above the best score, in deviations of the scores.
        sure: (n,) scores that are low for a reason, never by a collapse; none where None.
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
        sure: NDArray[np.bool_] | None = None,
        start: Hyperparameters | None = None,
        steps: int = 60,
    ) -> None:
        noise = ScoreNoise(len(y))
        super().__init__(
            _tensor(x),
            _tensor(y)[:, None],
            likelihood=_GaussianLikelihoodBase(noise),
            covar_module=HybridKernel(groups, raw, sources),
            mean_module=ZeroMean(),
            outcome_transform=None,
        )
        self.gap = gap
        self._scores, self._variances = y, np.zeros(len(y)) if variances is None else variances
        deviation = float(np.sqrt(np.mean((y - np.median(y)) ** 2))) or 1.0
        self._nearest = NEAREST * deviation
        self.outcome_transform = CeilingTransform(
            float(y.max()) + gap * deviation, 0.0, 1.0, self._nearest
        )
        self._x = self.train_inputs[0]
        parameters = [*self.kernel.named_parameters(), ("log_level", noise.log_level)]
        self._fitted = {name: p for name, p in parameters if p.numel()}
        self._mll = (ExactMarginalLogLikelihood(self.likelihood, self),)  # no submodule: a circle
        if start is not None:
            self._load(start.values)
        doubted = np.ones(len(y), dtype=bool) if sure is None else ~sure
        noise.factor[torch.from_numpy(_suspects(y) & doubted)] = OUTLIER_NOISE
        self._linearise(y)
        self._fit(steps)
        for _ in range(ROUNDS):
            self._linearise(self.predict(x).mean)
            self._fit(steps)
        self.outliers = _not_always(x, (self.leave_one_out() < OUTLIER) & doubted)
        factor = torch.where(torch.from_numpy(self.outliers), OUTLIER_NOISE, 1.0).double()
        if not torch.equal(factor, noise.factor):
            noise.factor = factor
            self._fit(steps)
        self.eval()

    @property
    def kernel(self) -> HybridKernel:
        """The covariance module."""
        return cast("HybridKernel", self.covar_module)

    @property
    def transform(self) -> CeilingTransform:
        """Between scores and w."""
        return cast("CeilingTransform", self.outcome_transform)

    @property
    def _noise(self) -> ScoreNoise:
        return cast("ScoreNoise", self.likelihood.noise_covar)

    @property
    def ceiling(self) -> float:
        """No score is expected above it."""
        return self.transform.ceiling

    def _linearise(self, at: Array) -> None:
        """Say the scores in w by the tangent at what is expected of each, (n,) `at`.

        Noise is equal in scores. Said in w at the score itself, a lucky score near the ceiling
        would seem likelier than it is and an unlucky one less likely, which draws the ceiling near.
        """
        room = np.maximum(self.ceiling - at, self._nearest)
        slope = 1 / room
        w = -np.log(room) + slope * (self._scores - (self.ceiling - room))
        centre = float(np.median(w))
        unit = float(np.sqrt(np.mean((w - centre) ** 2))) or 1.0
        self.transform.centre, self.transform.unit = centre, unit
        self._y = torch.from_numpy((w - centre) / unit)
        ExactGP.set_train_data(self, targets=self._y)
        steep = (slope / unit) ** 2
        self._steepness = float(np.median(steep))
        self._noise.extra = torch.from_numpy(self._variances * steep)
        self._noise.relative = torch.from_numpy(steep / self._steepness)
        self._jacobian = float(np.log(slope / unit).sum())

    # ------------------------------------------------------------------ fitting
    @property
    def hyperparameters(self) -> Hyperparameters:
        """Those of the fit."""
        with torch.no_grad():
            vector = parameters_to_vector(self._fitted.values())
            return Hyperparameters(vector.numpy(), self.gap)

    def _load(self, values: Array) -> None:
        vector_to_parameters(torch.from_numpy(values.copy()), self._fitted.values())

    def _covariance(self) -> Tensor:
        """(n, n) of the observed scores in w, with their noise."""
        return self.kernel.forward(self._x, self._x) + torch.diag(self._noise.variances())

    def _objective(self) -> tuple[Tensor, Sequence[Tensor]]:
        """Minus the log posterior of the hyperparameters, and its gradients.

        The gradient needs one inverse, which automatic differentiation of a Cholesky factor would
        take thrice.
        """
        parameters = list(self._fitted.values())
        covariance = self._covariance()
        with torch.no_grad():
            lower, failed = torch.linalg.cholesky_ex(covariance)
            if int(failed):
                return torch.tensor(1e10), [torch.zeros_like(p) for p in parameters]
            inverse = torch.cholesky_inverse(lower)
            alpha = inverse @ self._y
            value = 0.5 * (self._y @ alpha) + lower.diagonal().log().sum()
            slope = 0.5 * (inverse - alpha[:, None] * alpha)
        prior = torch.zeros((), dtype=torch.float64)
        for _, module, distribution, value_of, _ in ExactGP.named_priors(self):
            prior = prior - distribution.log_prob(value_of(module)).sum()
        total = (covariance * slope).sum() + prior
        return value + prior.detach(), torch.autograd.grad(total, parameters)

    def _fit(self, steps: int) -> None:
        """Maximise the posterior of the hyperparameters, and condition on the scores."""
        if steps > 0:
            begin, most = self.hyperparameters.values, max(5, steps // 2)
            bounds: dict[str, tuple[float | None, float | None]] = {}
            bounds |= dict.fromkeys(self._fitted, (-14.0, 6.0)) | {"log_level": (-9.0, 3.0)}
            with warnings.catch_warnings():
                # The number of steps is limited on purpose.
                warnings.simplefilter("ignore", OptimizationWarning)
                result = fit_gpytorch_mll_scipy(
                    self._mll[0],
                    parameters=self._fitted,
                    bounds=bounds,
                    closure=self._objective,
                    options={"maxfun": most, "maxiter": most},
                )
            if not math.isfinite(result.fval):
                self._load(begin)
        with torch.no_grad():
            self._lower = torch.linalg.cholesky(self._covariance())
            self._alpha = torch.cholesky_solve(self._y[:, None], self._lower)[:, 0]

    @property
    def evidence(self) -> float:
        """Log posterior density of the scores and hyperparameters, to compare gaps."""
        return self._jacobian - float(self._objective()[0])

    @property
    def noise(self) -> float:
        """Deviation of a training's score from what is expected of its architecture."""
        return math.sqrt(float(self._noise.log_level.detach().exp()) / self._steepness)

    def leave_one_out(self) -> Array:
        """(n,) residual of each score from the others' prediction, in standard deviations.

        Of a score that counts less than others, as if it counted like them: several failed
        trainings would hide each other otherwise.
        """
        with torch.no_grad():
            diagonal = torch.cholesky_inverse(self._lower).diagonal()
            noise = self._noise.variances()
            more = noise * (1 - 1 / self._noise.factor)
            variance = torch.maximum(1 / diagonal - more, noise / self._noise.factor)
            return np.asarray((self._alpha / diagonal / variance.sqrt()).numpy())

    # ------------------------------------------------------------------ prediction
    def predict(self, x: Array) -> ScorePosterior:
        """What is expected of the scores (without noise) at (m, F) features, each by itself."""
        found = []
        with torch.no_grad():
            for points in _tensor(x).split(max(1, AT_ONCE // len(self._x))):
                solved, mean = self._solved(points)
                prior = self.kernel.forward(points, points, diag=True)
                variance = torch.clamp_min(prior - solved.square().sum(0), 1e-10)
                found.append(torch.stack([mean, variance.sqrt()]))
            mean, deviation = torch.cat(found, dim=1)
            transform = self.transform
            return ScorePosterior(
                (mean * transform.unit + transform.centre).numpy(),
                (deviation * transform.unit).numpy(),
                self.ceiling,
            )

    def covariance(self, x: Array) -> Array:
        """(m, m) of what is expected of the scores at (m, F) features together.

        In squared units of the score, by the tangent at the expected scores.
        """
        with torch.no_grad():
            points = _tensor(x)
            solved, _ = self._solved(points)
            joint = self.kernel.forward(points, points) - solved.T @ solved
        found = self.predict(x)
        slope = (found.ceiling - found.mean) * self.transform.unit
        return np.asarray(joint.numpy() * slope[:, None] * slope)

    def _solved(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Covariances with the scores divided by the Cholesky factor, (n, m), and the mean in w."""
        cross = self.kernel.forward(points, self._x)
        solved = torch.linalg.solve_triangular(self._lower, cross.T, upper=False)
        return solved, cross @ self._alpha

    def standardised(self, x: Array) -> Array:
        """(m,) what is expected at (m, F) features, on the process's own scale; 0 is its median."""
        with torch.no_grad():
            cross = self.kernel.forward(_tensor(x), self._x)
            return np.asarray((cross @ self._alpha).numpy())

    def fantasized(self, x: Array) -> "Surrogate":
        """Conditioned on (m, F) pending points, as if each scored its mean ("Kriging believer").

        Means stay as they are; deviations shrink around the points. Their rows join the Cholesky
        factor, which costs as much as m predictions.
        """
        if len(x) == 0:
            return self
        model = copy.copy(self)
        model._modules = self._modules | {"likelihood": copy.deepcopy(self.likelihood)}
        with torch.no_grad():
            points = _tensor(x)
            side, mean = self._solved(points)
            noise = self._noise.log_level.exp() + _JITTER
            corner = self.kernel.forward(points, points) - side.T @ side
            corner += noise * torch.eye(len(points), dtype=torch.float64)
            n, m = side.shape
            lower = torch.zeros((n + m, n + m), dtype=torch.float64)
            lower[:n, :n] = self._lower
            lower[n:, :n] = side.T
            lower[n:, n:] = torch.linalg.cholesky(corner)
            model._lower = lower
            model._x = torch.cat([self._x, points])
            model._y = torch.cat([self._y, mean])
            model._alpha = torch.cat([self._alpha, torch.zeros(m, dtype=torch.float64)])
            own = model._noise
            ones = torch.ones(m, dtype=torch.float64)
            own.relative, own.factor = (torch.cat([v, ones]) for v in (own.relative, own.factor))
            own.extra = torch.cat([own.extra, 0 * ones])
            ExactGP.set_train_data(model, model._x, model._y, strict=False)
        return model


def _suspects(y: Array) -> NDArray[np.bool_]:
    """(n,) scores so far below the others that their trainings may have failed."""
    median = np.median(y)
    return np.asarray(y < median - SUSPECT * np.median(np.abs(y - median)))


def _not_always(x: Array, failed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) without what failed each of several times: that is the architecture, no chance."""
    _, which, times = np.unique(x, axis=0, return_inverse=True, return_counts=True)
    always = np.bincount(which, failed) == times
    return np.asarray(failed & ~(always & (times > 1))[which])


def _tensor(x: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(x))
