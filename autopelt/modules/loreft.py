"""The torch module of `autopelt.methods.loreft`, where the formula stands."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional
from typing_extensions import override

from autopelt.modules.base import Sites, normal, zeros
from autopelt.modules.pelt import Build, Pelt


class LoReftModule(Pelt):
    """One LoReFT; `free` is what R is made of."""

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        rank, width = build.spec.size, build.shapes.hidden
        self.free = normal(build.generator, rank, width, std=width**-0.5)
        self.source = zeros(rank, width)
        self.bias = zeros(rank)
        self.gate = build.gate
        self.started = False

    @override
    @torch.no_grad()
    def install(self, sites: Sites) -> None:
        if not self.started:  # W = R to the bit, in the precision that it is attached in
            self.source.copy_(self.rotation())
            self.started = True
        self.handles.append(sites.block(self.layer).register_forward_hook(self._change))

    def rotation(self) -> torch.Tensor:
        """R (r, d)."""
        free = self.free if self.free.dtype == torch.float64 else self.free.float()
        columns, triangle = torch.linalg.qr(free.T)
        signs = torch.where(triangle.diagonal() < 0, -1.0, 1.0).to(free.dtype)
        return (columns * signs).T.to(self.free.dtype)

    def update(self, states: torch.Tensor) -> torch.Tensor:
        """Rᵀ(W h + b − R h)."""
        rotation = self.rotation()
        inside = functional.linear(states, self.source - rotation, self.bias)
        update = functional.linear(inside, rotation.T)
        return update if self.gate is None else self.gate(states) * update

    def _change(self, layer: nn.Module, args: Any, output: Any) -> Any:
        """A layer hands on states, or a tuple that they come first in."""
        if isinstance(output, tuple):
            return (self._change(layer, args, output[0]), *output[1:])
        return (output + self.update(output)).to(output.dtype)
