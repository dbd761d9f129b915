"""The kernel of the surrogate, which knows what a network looks like.

Notation: x structured features in groups g (see `features`), z raw choices.

    k(a, b) = s_m M(sum_g |x_a - x_b|_g^2 / l_g^2) + s_l (1 + <x_a, x_b>) / G
            + s_z M(sum_i rho_i (z_a - z_b)_i^2) + s_t t_a t_b

with M the Matérn 5/2 function of a squared distance. The first line is smooth over depth and shares
one length scale l_g per group; the second catches the few single choices that no structure
foretells: its inverse squared length scales rho_i carry the half-Cauchy shrinkage of SAAS
(Eriksson and Jankowiak, UAI 2021), here by maximum a posteriori. Log-normal priors on all others.
The last term is there in a study with a warm start: t is what another study's surrogate expects.
It is a regression on t whose coefficient, of either sign, is integrated out exactly with variance
s_t, so the evidence says how much of the other study holds here, if anything.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import gpytorch
import torch
from gpytorch.priors import HalfCauchyPrior, NormalPrior
from torch import Tensor


class LogNormal(NamedTuple):
    """Prior of positive hyperparameters: median and deviation of the logarithm, which is fitted."""

    median: float
    deviation: float

    def parameter(self, *shape: int) -> torch.nn.Parameter:
        """The logarithm of the hyperparameter, at the median."""
        return _parameter(self.median, *shape)

    def register(self, module: gpytorch.Module, name: str, *shape: int) -> None:
        """Give `module` a parameter of that name with this prior on its logarithm."""
        module.register_parameter(name, self.parameter(*shape))
        prior = NormalPrior(math.log(self.median), self.deviation).double()
        module.register_prior(f"{name}_prior", prior, name)


SCALES = (LogNormal(0.7, 1.0), LogNormal(0.3, 1.0), LogNormal(0.3, 1.0))
"""Of the structured Matérn, the linear and the raw Matérn kernel."""
SCALE_SOURCE = LogNormal(0.3, 1.0)
NOISE = LogNormal(0.1, 1.0)
SHRINKAGE = 1.0
"""Scale of the half-Cauchy prior on each inverse squared length scale of a raw choice."""


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
        self.columns = [groups[-1].stop, raw, sources]
        widths = torch.tensor([g.stop - g.start for g in groups])
        self.register_buffer("group", torch.repeat_interleave(torch.arange(len(groups)), widths))
        LogNormal(1.5 * math.sqrt(len(groups)), 1.0).register(self, "log_length", len(groups))
        medians = torch.tensor([p.median for p in SCALES], dtype=torch.float64)
        self.log_scale = torch.nn.Parameter(medians.log())
        deviations = torch.tensor([p.deviation for p in SCALES], dtype=torch.float64)
        self.register_prior("log_scale_prior", NormalPrior(medians.log(), deviations), "log_scale")
        self.log_rho = _parameter(0.5, raw)
        self.register_prior(
            "rho_prior",
            HalfCauchyPrior(torch.tensor(SHRINKAGE, dtype=torch.float64)),
            lambda m: m.log_rho.exp(),
        )
        SCALE_SOURCE.register(self, "log_source", sources)

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **_: Any) -> Tensor:
        """Covariances of `x1` with `x2`."""

        def inner(a: Tensor, b: Tensor) -> Tensor:
            return (a * b).sum(-1) if diag else a @ b.transpose(-1, -2)

        def matern(a: Tensor, b: Tensor) -> Tensor:
            return _Matern.apply((a - b).square().sum(-1) if diag else _squared_distances(a, b))

        (x, z, t), (x_, z_, t_) = x1.split(self.columns, -1), x2.split(self.columns, -1)
        scale = self.log_scale.exp()
        inverse = torch.exp(-self.log_length)[self.group]
        root = torch.exp(0.5 * self.log_rho)
        covariance = scale[0] * matern(x * inverse, x_ * inverse)
        covariance = covariance + scale[2] * matern(z * root, z_ * root)
        linear = 1 + inner(x, x_)
        covariance = covariance + scale[1] * linear / len(self.log_length)
        return covariance + inner(t * self.log_source.exp(), t_)


class _Matern(torch.autograd.Function):
    """Matérn 5/2 of a squared distance: (1 + r + r^2 / 3) exp(-r) with r = sqrt(5 d).

    In place as far as it goes: for most matrices here, time is memory.
    """

    @staticmethod
    def forward(ctx: Any, squared: Tensor) -> Tensor:
        r = squared.clamp_min(1e-15).mul_(5).sqrt_()
        decay = torch.exp(-r)
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(decay * (1 + r))
        return r.square().div_(3).add_(r).add_(1).mul_(decay)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Tensor:
        (slope,) = ctx.saved_tensors
        return upstream[0] * slope * (-5 / 6)


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """(n, d), (m, d) -> (n, m); a little below 0 where rounding makes it."""
    squares = a.square().sum(-1)[..., :, None] + b.square().sum(-1)[..., None, :]
    return torch.sub(squares, a @ b.transpose(-1, -2), alpha=2)


def _parameter(value: float, *shape: int) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.full(shape, math.log(value), dtype=torch.float64))
