"""The torch modules of `autopelt.methods.lora`, where the formula stands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Self

import torch
from torch import nn
from torch.nn import functional
from transformers.pytorch_utils import Conv1D
from typing_extensions import override

from autopelt.methods.base import linear_shape
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes
from autopelt.modules.base import Pelt, Sites, uniform, zeros


class LoraModule(Pelt):
    """One LoRA; `before` counts the outputs of a fused map in front of its slice."""

    def __init__(
        self,
        spec: Module,
        in_features: int,
        out_features: int,
        gate: nn.Module | None,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.scale = 1.0 if spec.alpha is None else spec.alpha / spec.size
        self.gate = gate
        # Kaiming uniform with a = sqrt(5): bound 1 / sqrt(in).
        self.down = uniform(generator, spec.size, in_features, bound=1 / math.sqrt(in_features))
        self.up = zeros(out_features, spec.size)
        self.before = 0

    @override
    def install(self, sites: Sites) -> None:
        assert self.spec.layer is not None
        site = sites.linear(self.spec.layer, self.spec.location)
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
        assert self.spec.layer is not None
        site = sites.linear(self.spec.layer, self.spec.location)
        update = self.scale * (self.up @ self.down)  # (out, in)
        rows = slice(site.start, site.start + len(update))
        weight = site.module.weight
        assert isinstance(weight, torch.Tensor)
        if isinstance(site.module, Conv1D):
            weight[:, rows] += update.T
        else:
            weight[rows] += update

    @classmethod
    @override
    def of(
        cls,
        module: Module,
        shapes: Shapes,
        gate: nn.Module | None,
        shared: Mapping[str, nn.Module],
        generator: torch.Generator,
    ) -> Self:
        width, out = linear_shape(module, shapes)
        return cls(module, width, out, gate, generator)
