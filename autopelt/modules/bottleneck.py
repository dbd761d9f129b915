"""The bottleneck that both adapters are made of: U f(D x + b) + c."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from autopelt.modules.base import normal, uniform, zeros


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
