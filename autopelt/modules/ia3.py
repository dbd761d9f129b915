"""The torch module of `autopelt.methods.ia3`, where the formula stands."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional
from transformers.pytorch_utils import Conv1D
from typing_extensions import override

from autopelt.methods.base import linear_shape
from autopelt.methods.ia3 import SCALES_INPUT
from autopelt.modules.base import Sites, zeros
from autopelt.modules.peft_forms import PeftForm, VectorForm, outputs, transposed
from autopelt.modules.pelt import Build, Pelt


class IA3Module(Pelt):
    """One vector; `before` counts the outputs of a fused map in front of its slice."""

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        self.scales_input = build.spec.location in SCALES_INPUT
        wide, out = linear_shape(build.spec, build.shapes)
        self.offset = zeros(wide if self.scales_input else out)
        self.before = 0

    @override
    def install(self, sites: Sites) -> None:
        site = sites.linear(self.layer, self.spec.location)
        self.before = site.start
        self.handles.append(
            site.module.register_forward_pre_hook(self._scale_input)
            if self.scales_input
            else site.module.register_forward_hook(self._scale_output)
        )

    def scale(self, width: int) -> torch.Tensor:
        """l = 1 + v (width), 1 for what a fused map gives beside the slice."""
        after = width - self.before - len(self.offset)
        slices = self.before or after
        return 1.0 + (functional.pad(self.offset, (self.before, after)) if slices else self.offset)

    def _scale_input(
        self, module: nn.Module, args: tuple[torch.Tensor, ...]
    ) -> tuple[torch.Tensor, ...]:
        x, *others = args
        return ((x * self.scale(x.shape[-1])).to(x.dtype), *others)

    def _scale_output(
        self, module: nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor
    ) -> torch.Tensor:
        return (output * self.scale(output.shape[-1])).to(output.dtype)

    @override
    @torch.no_grad()
    def merge(self, sites: Sites) -> None:
        """W diag(l), or diag(l) W and l ⊙ bias; exact."""
        module = sites.linear(self.layer, self.spec.location).module
        weight, bias = module.weight, module.bias
        assert isinstance(weight, torch.Tensor)
        axis = int(self.scales_input != isinstance(module, Conv1D))  # Conv1D keeps (in, out)
        scale = self.scale(weight.shape[axis])
        weight.mul_(scale if axis == 1 else scale[:, None])
        if isinstance(bias, torch.Tensor) and not self.scales_input:
            bias.mul_(scale)

    @override
    @torch.no_grad()
    def peft_forms(self, sites: Sites) -> Iterator[PeftForm]:
        site = sites.linear(self.layer, self.spec.location)
        scale = self.scale(site.in_features if self.scales_input else outputs(site))
        vector = scale[None] if self.scales_input else scale[:, None]
        config = {"fan_in_fan_out": transposed(site.module), "feedforward_modules": ()}
        lists = ("feedforward_modules",) if self.scales_input else ()
        yield VectorForm("IA3", site.module, {"ia3_l": vector}, config, lists=lists)
