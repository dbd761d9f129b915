"""The torch module of `autopelt.methods.sequential_adapter`, where the formula stands."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from typing_extensions import override

from autopelt.methods.sequential_adapter import SequentialAdapter
from autopelt.modules.bottleneck import AdapterModule


class SequentialAdapterModule(AdapterModule):
    """One sequential adapter."""

    scale = SequentialAdapter.scale
    start = "normal"

    @override
    def _behind(self, module: nn.Module, args: Any, output: torch.Tensor) -> torch.Tensor:
        return output + self.update(output)

    @override
    def _before_norm(
        self, norm: nn.Module, args: tuple[torch.Tensor, ...]
    ) -> tuple[torch.Tensor, ...]:
        # norm.forward, not norm(...): calling the module would pass through this hook again.
        return (args[0] + self.update(norm.forward(args[0])), *args[1:])
