"""The torch module of `autopelt.methods.dora`, where the formula stands."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from typing_extensions import override

from autopelt.modules.base import Sites, uniform, zeros
from autopelt.modules.linear_delta import Frozen, LinearDelta
from autopelt.modules.peft_forms import PeftForm, low_rank_form
from autopelt.modules.pelt import Build


class DoraModule(LinearDelta):
    """One DoRA.

    W + s·B A is never made in a forward pass: W x is what the map has given, and the norms are
    ‖w + s·a‖² = ‖w‖² + 2s·w·a + s²·‖a‖² of each row, with a = B A from A Aᵀ (r, r) and W Aᵀ.

    Attributes:
        norms: ‖W‖ of the rows, (out,).
    """

    norms: torch.Tensor

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        rank, alpha = build.spec.size, build.spec.alpha
        self.scale = 1.0 if alpha is None else alpha / rank
        self.down = uniform(build.generator, rank, self.wide, bound=1 / math.sqrt(self.wide))
        self.up = zeros(self.out, rank)
        self.magnitude = zeros(self.out)
        self.register_buffer("norms", None)

    @override
    @torch.no_grad()
    def install(self, sites: Sites) -> None:
        super().install(sites)
        if self.norms is None:
            weight = self._frozen(sites).weight
            self.norms = weight.to(self.magnitude).norm(dim=1)
            self.magnitude.copy_(self.norms)

    @torch.no_grad()
    def _norm(self, weight: torch.Tensor) -> torch.Tensor:
        """‖W + s·B A‖ of the rows, (out,); ‖W‖ to the bit where B = 0."""
        with torch.autocast(weight.device.type, enabled=False):
            mixed = (weight.to(self.down) @ self.down.T * self.up).sum(1)
            own = (self.up @ (self.down @ self.down.T) * self.up).sum(1)
        square = self.norms.square() + 2 * self.scale * mixed + self.scale**2 * own
        return square.clamp(min=torch.finfo(square.dtype).tiny).sqrt()

    @override
    def update(self, x: torch.Tensor, frozen: Frozen) -> torch.Tensor:
        plain = frozen.product
        low_rank = self.scale * (x @ self.down.T @ self.up.T)
        return self.magnitude / self._norm(frozen.weight) * (plain + low_rank) - plain

    @override
    def delta(self, weight: torch.Tensor) -> torch.Tensor:
        length = (self.magnitude / self._norm(weight))[:, None]
        return length * (weight + self.scale * self.up @ self.down) - weight

    @override
    def peft_forms(self, sites: Sites) -> Iterator[PeftForm]:
        site, alpha = sites.linear(self.layer, self.spec.location), self.scale * self.spec.size
        yield low_rank_form(site, self.down, self.up, alpha, self.magnitude)
