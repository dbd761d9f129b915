"""The torch module of `autopelt.methods.lora`, where the formula stands."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional
from transformers.pytorch_utils import Conv1D
from typing_extensions import override

from autopelt.methods.base import linear_shape
from autopelt.modules.base import Sites, uniform, zeros
from autopelt.modules.peft_forms import PeftForm, as_dora, low_rank_form
from autopelt.modules.pelt import Build, Pelt


class LoraModule(Pelt):
    """One LoRA; `before` counts the outputs of a fused map in front of its slice."""

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        spec, (wide, out) = build.spec, linear_shape(build.spec, build.shapes)
        self.scale = 1.0 if spec.alpha is None else spec.alpha / spec.size
        self.gate = build.gate
        # Kaiming uniform with a = sqrt(5): bound 1 / sqrt(in).
        self.down = uniform(build.generator, spec.size, wide, bound=1 / math.sqrt(wide))
        self.up = zeros(out, spec.size)
        self.before = 0

    @override
    def install(self, sites: Sites) -> None:
        site = sites.linear(self.layer, self.spec.location)
        self.before = site.start
        self.handles.append(site.module.register_forward_hook(self._add))

    def _add(
        self, module: nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor
    ) -> torch.Tensor:
        x = args[0]
        update = functional.linear(functional.linear(x, self.down), self.up)
        if self.gate is not None:
            update = self.gate(x) * update
        elif self.scale != 1.0:
            update = update * self.scale
        after = output.shape[-1] - self.before - update.shape[-1]
        if self.before or after:
            update = functional.pad(update, (self.before, after))
        return output + update

    @override
    @torch.no_grad()
    def merge(self, sites: Sites) -> None:
        """W + s·B A, exact without a gate."""
        site = sites.linear(self.layer, self.spec.location)
        update = self.scale * (self.up @ self.down)  # (out, in)
        rows = slice(site.start, site.start + len(update))
        weight = site.module.weight
        assert isinstance(weight, torch.Tensor)
        if isinstance(site.module, Conv1D):
            weight[:, rows] += update.T
        else:
            weight[rows] += update

    @override
    def peft_forms(self, sites: Sites) -> Iterator[PeftForm]:
        site = sites.linear(self.layer, self.spec.location)
        alpha = self.spec.size if self.spec.alpha is None else self.spec.alpha
        yield low_rank_form(site, self.down, self.up, alpha)
        yield as_dora(site, self.down, self.up, alpha)
