"""The torch module of `autopelt.methods.hira`, where the formula stands."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from typing_extensions import override

from autopelt.modules.base import Sites, uniform, zeros
from autopelt.modules.linear_delta import Frozen, LinearDelta
from autopelt.modules.peft_forms import LowRankForm, PeftForm, in_whole_map, transposed
from autopelt.modules.pelt import Build


class HiraModule(LinearDelta):
    """One HiRA; W ⊙ B A is made again for the backward pass, so no layer keeps a second W."""

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        rank = build.spec.size
        self.down = uniform(build.generator, rank, self.wide, bound=1 / math.sqrt(self.wide))
        self.up = zeros(self.out, rank)

    @override
    def update(self, x: torch.Tensor, frozen: Frozen) -> torch.Tensor:
        parts = (self._product, x, replace(frozen, output=None))
        update: torch.Tensor = checkpoint(*parts, use_reentrant=False, preserve_rng_state=False)
        return update

    def _product(self, x: torch.Tensor, frozen: Frozen) -> torch.Tensor:
        return functional.linear(x, self.delta(frozen.weight))

    @override
    def delta(self, weight: torch.Tensor) -> torch.Tensor:
        return weight * (self.up @ self.down)

    @override
    @torch.no_grad()
    def peft_forms(self, sites: Sites) -> Iterator[PeftForm]:
        site = sites.linear(self.layer, self.spec.location)
        tensors = {"hira_A": self.down, "hira_B": in_whole_map(site, self.up)}
        config = {"fan_in_fan_out": transposed(site.module)}
        # peft 0.21 has a pattern of ranks for HiRA and does not read it.
        yield LowRankForm(
            "HIRA", site.module, tensors, config, {"r": self.spec.size}, one_rank=True
        )
