"""The torch module of `autopelt.methods.lora`, where the formula stands."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch.nn import functional
from typing_extensions import override

from autopelt.modules.base import Sites, uniform, zeros
from autopelt.modules.linear_delta import Frozen, LinearDelta
from autopelt.modules.peft_forms import PeftForm, lora_forms
from autopelt.modules.pelt import Build


class LoraModule(LinearDelta):
    """One LoRA."""

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        rank, alpha = build.spec.size, build.spec.alpha
        self.scale = 1.0 if alpha is None else alpha / rank
        # Kaiming uniform with a = sqrt(5): bound 1 / sqrt(in).
        self.down = uniform(build.generator, rank, self.wide, bound=1 / math.sqrt(self.wide))
        self.up = zeros(self.out, rank)

    @override
    def update(self, x: torch.Tensor, frozen: Frozen) -> torch.Tensor:
        update = functional.linear(functional.linear(x, self.down), self.up)
        return update if self.scale == 1.0 else update * self.scale

    @override
    def delta(self, weight: torch.Tensor) -> torch.Tensor:
        return self.scale * (self.up @ self.down)

    @override
    def peft_forms(self, sites: Sites) -> Iterator[PeftForm]:
        site = sites.linear(self.layer, self.spec.location)
        alpha = self.spec.size if self.spec.alpha is None else self.spec.alpha
        yield from lora_forms(site, self.down, self.up, alpha)
