"""The torch module of `autopelt.methods.miss`, where the formula stands."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.nn import functional
from transformers.pytorch_utils import Conv1D
from typing_extensions import override

from autopelt.modules.base import Sites, zeros
from autopelt.modules.linear_delta import Frozen, LinearDelta
from autopelt.modules.peft_forms import PeftForm, is_whole, lora_forms
from autopelt.modules.pelt import Build


class MissModule(LinearDelta):
    """One MiSS."""

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        self.rank = build.spec.size
        self.matrix = zeros(self.rank, self.out)

    @override
    def update(self, x: torch.Tensor, frozen: Frozen) -> torch.Tensor:
        missing = -self.wide % self.rank
        if missing:
            x = functional.pad(x, (0, missing))
        return x.unflatten(-1, (-1, self.rank)).sum(-2) @ self.matrix

    @override
    def delta(self, weight: torch.Tensor) -> torch.Tensor:
        return self.matrix.T @ self.pieces()

    def pieces(self) -> torch.Tensor:
        """(r, in): which features are summed, ones and zeros."""
        eye = torch.eye(self.rank, dtype=self.matrix.dtype, device=self.matrix.device)
        return eye.repeat(1, -(-self.wide // self.rank))[:, : self.wide]

    @override
    @torch.no_grad()
    def peft_forms(self, sites: Sites) -> Iterator[PeftForm]:
        site = sites.linear(self.layer, self.spec.location)
        if is_whole(site) and not isinstance(site.module, Conv1D):  # peft has it on these only
            settings = {"r": self.rank, "init_weights": True}
            yield PeftForm("MISS", site.module, {"miss_block": self.matrix}, settings)
        yield from lora_forms(site, self.pieces(), self.matrix.T, self.rank)
