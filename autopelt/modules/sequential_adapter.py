"""The torch modules of `autopelt.methods.sequential_adapter`, where the formula stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import nn
from typing_extensions import override

from autopelt.methods.module import Module
from autopelt.methods.sequential_adapter import SequentialAdapter
from autopelt.methods.shapes import Shapes
from autopelt.modules.base import Pelt, Sites
from autopelt.modules.bottleneck import Bottleneck


class SequentialAdapterModule(Pelt):
    """One sequential adapter."""

    def __init__(self, spec: Module, bottleneck: Bottleneck, gate: nn.Module | None) -> None:
        super().__init__()
        self.spec = spec
        self.bottleneck = bottleneck
        self.gate = gate

    @override
    def install(self, sites: Sites) -> None:
        assert self.spec.layer is not None
        branch = sites.branch(self.spec.layer, self.spec.location)
        if branch.norm is None:
            self.handles.append(branch.output.register_forward_hook(self._behind))
        else:
            self.handles.append(branch.norm.register_forward_pre_hook(self._before_norm))

    def update(self, z: torch.Tensor) -> torch.Tensor:
        """g(z)·(U f(D z + b) + c)."""
        update: torch.Tensor = self.bottleneck(z)
        return update if self.gate is None else self.gate(z) * update

    def _behind(self, module: nn.Module, args: Any, output: torch.Tensor) -> torch.Tensor:
        return output + self.update(output)

    def _before_norm(
        self, norm: nn.Module, args: tuple[torch.Tensor, ...]
    ) -> tuple[torch.Tensor, ...]:
        # norm.forward, not norm(...): calling the module would pass through this hook again.
        return (args[0] + self.update(norm.forward(args[0])), *args[1:])

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
        inner = Bottleneck(shapes.hidden, module.size, SequentialAdapter.scale, "normal", generator)
        return cls(module, inner, gate)
