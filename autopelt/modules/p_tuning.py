"""The torch modules of `autopelt.methods.p_tuning`, where the formula stands."""

from __future__ import annotations

import math

import torch
from torch import nn
from typing_extensions import override

from autopelt.backbones.backbone import PromptPlace
from autopelt.modules.base import normal
from autopelt.modules.pelt import Build
from autopelt.modules.prompt import PromptModule


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
            with torch.autocast(x.device.type, enabled=False):  # some processors lack it in bf16
                x = self.lstm(x)[0]
        rows: torch.Tensor = self.network(x)
        return rows


class PTuningModule(PromptModule):
    """Rows from an encoder; after folding, a prompt."""

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        spec = build.spec
        self.encoder: RowEncoder | None
        self.encoder = RowEncoder(spec.size, self.width, spec.mlp, build.generator)
        self.vectors = None

    @override
    def rows(self) -> torch.Tensor:
        return super().rows() if self.encoder is None else self.encoder()

    @override
    def start(self, site: PromptPlace) -> None:
        """The encoder has drawn its own."""

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


def _linear(wide: int, out: int, generator: torch.Generator) -> nn.Linear:
    made = nn.Linear(wide, out, device="meta").to_empty(device="cpu")
    _reset(made, wide, generator)
    return made


@torch.no_grad()
def _reset(module: nn.Module, fan: int, generator: torch.Generator) -> None:
    """Uniform within 1 / sqrt(fan), as torch starts linear maps and LSTMs."""
    for parameter in module.parameters():
        parameter.uniform_(-1 / math.sqrt(fan), 1 / math.sqrt(fan), generator=generator)
