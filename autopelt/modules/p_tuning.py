"""The torch modules of `autopelt.methods.p_tuning`, where the formula stands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Self

import torch
from torch import nn
from typing_extensions import override

from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes
from autopelt.modules.base import normal
from autopelt.modules.gate import Gate
from autopelt.modules.prompt import RowsModule


class RowEncoder(nn.Module):
    """E and the network that turns it into rows."""

    def __init__(
        self, rows: int, width: int, inner: int | None, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.embedding = normal(generator, rows, width, std=1.0)
        half = width // 2
        self.lstm: nn.LSTM | None = None
        layers: list[nn.Module]
        if inner is None:
            lstm = nn.LSTM(width, half, num_layers=2, bidirectional=True, device="meta")
            self.lstm = lstm.to_empty(device="cpu")
            _reset(self.lstm, half, generator)
            layers = [_linear(2 * half, 2 * half, generator), nn.ReLU()]
            layers += [_linear(2 * half, width, generator)]
        else:
            layers = [_linear(width, inner, generator), nn.ReLU()]
            layers += [_linear(inner, inner, generator), nn.ReLU()]
            layers += [_linear(inner, width, generator)]
        self.network = nn.Sequential(*layers)

    @override
    def forward(self) -> torch.Tensor:
        """The rows (n, d)."""
        x: torch.Tensor = self.embedding
        if self.lstm is not None:
            x = self.lstm(x)[0]
        rows: torch.Tensor = self.network(x)
        return rows


class PTuningModule(RowsModule):
    """Rows from an encoder, or after folding rows that are parameters."""

    def __init__(
        self, spec: Module, width: int, gate: Gate | None, generator: torch.Generator
    ) -> None:
        super().__init__(spec, width, gate, generator)
        self.encoder: RowEncoder | None = RowEncoder(spec.size, width, spec.mlp, generator)
        self.vectors: nn.Parameter | None = None

    @override
    def rows(self) -> torch.Tensor:
        if self.encoder is not None:
            made: torch.Tensor = self.encoder()
            return made
        assert self.vectors is not None
        return self.vectors

    @override
    def deployed(self) -> int:
        gate = 0 if self.gate is None else sum(p.numel() for p in self.gate.parameters())
        return self.spec.size * self.width + gate

    @override
    @torch.no_grad()
    def shipped(self) -> dict[str, torch.Tensor]:
        own = {k: p for k, p in self.named_parameters() if not k.startswith("encoder.")}
        return own | {"vectors": self.rows()}

    @override
    @torch.no_grad()
    def fold(self) -> None:
        if self.encoder is not None:
            self.vectors = nn.Parameter(self.rows().clone())
            self.encoder = None

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
        assert gate is None or isinstance(gate, Gate)
        return cls(module, shapes.hidden, gate, generator)


def _linear(wide: int, out: int, generator: torch.Generator) -> nn.Linear:
    made = nn.Linear(wide, out, device="meta").to_empty(device="cpu")
    _reset(made, wide, generator)
    return made


@torch.no_grad()
def _reset(module: nn.Module, fan: int, generator: torch.Generator) -> None:
    """Uniform within 1 / sqrt(fan), as torch starts linear maps and LSTMs."""
    for parameter in module.parameters():
        parameter.uniform_(-1 / math.sqrt(fan), 1 / math.sqrt(fan), generator=generator)
