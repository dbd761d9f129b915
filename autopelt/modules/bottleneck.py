"""The bottleneck that both adapters are made of: U f(D x + b) + c."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional
from typing_extensions import override

from autopelt.modules.base import Sites, normal, uniform, zeros
from autopelt.modules.pelt import Build, Pelt


class Bottleneck(nn.Module):
    """s · (U relu(D x + b) + c) with D (m, d), b (m), U (d, m), c (d); 2dm + m + d parameters.

    Args:
        width: d.
        size: m.
        scale: s.
        start: ``normal`` draws D from N(0, 0.02²), ``kaiming`` as `torch.nn.Linear` does. U, b and
            c start at zero, so the network starts as it was.
        generator: randomness of D.
    """

    def __init__(
        self, width: int, size: int, scale: float, start: str, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.scale = scale
        self.down = (
            normal(generator, size, width, std=0.02)
            if start == "normal"
            else uniform(generator, size, width, bound=1 / math.sqrt(width))
        )
        self.down_bias = zeros(size)
        self.up = zeros(width, size)
        self.up_bias = zeros(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, d) -> (…, d)."""
        inner = functional.relu(functional.linear(x, self.down, self.down_bias))
        outer = functional.linear(inner, self.up, self.up_bias)
        return outer if self.scale == 1.0 else outer * self.scale


class AdapterModule(Pelt):
    """A bottleneck at a sublayer: behind it, or in front of the norm of a post-LN model."""

    scale: ClassVar[float]
    start: ClassVar[str]

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        self.bottleneck = Bottleneck(
            build.shapes.hidden, build.spec.size, self.scale, self.start, build.generator
        )
        self.gate = build.gate

    @override
    def install(self, sites: Sites) -> None:
        branch = sites.branch(self.layer, self.spec.location)
        if branch.norm is None:
            self.handles.append(branch.output.register_forward_hook(self._behind))
        else:
            self.handles.append(branch.norm.register_forward_pre_hook(self._before_norm))

    def update(self, x: torch.Tensor) -> torch.Tensor:
        """g(x)·s·(U f(D x + b) + c)."""
        update: torch.Tensor = self.bottleneck(x)
        return update if self.gate is None else self.gate(x) * update

    def _behind(self, module: nn.Module, args: Any, output: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def _before_norm(
        self, norm: nn.Module, args: tuple[torch.Tensor, ...]
    ) -> tuple[torch.Tensor, ...]:
        raise NotImplementedError
