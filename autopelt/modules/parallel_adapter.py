"""The torch modules of `autopelt.methods.parallel_adapter`, where the formula stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import nn
from typing_extensions import override

from autopelt.methods.module import Module
from autopelt.methods.parallel_adapter import ParallelAdapter
from autopelt.methods.shapes import Shapes
from autopelt.modules.base import Pelt, Sites
from autopelt.modules.bottleneck import Bottleneck


class ParallelAdapterModule(Pelt):
    """One parallel adapter; holds the FFN's input until its output is there."""

    transient = ("seen",)
    seen: torch.Tensor | None

    def __init__(self, spec: Module, bottleneck: Bottleneck, gate: nn.Module | None) -> None:
        super().__init__()
        self.spec = spec
        self.bottleneck = bottleneck
        self.gate = gate

    @override
    def install(self, sites: Sites) -> None:
        assert self.spec.layer is not None
        branch = sites.branch(self.spec.layer, self.spec.location)
        self.handles.append(branch.input.register_forward_pre_hook(self._keep, with_kwargs=True))
        if branch.norm is None:
            self.handles.append(branch.output.register_forward_hook(self._behind))
        else:
            self.handles.append(branch.norm.register_forward_pre_hook(self._before_norm))

    def _keep(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.seen = args[0] if args else kwargs["hidden_states"]

    def update(self) -> torch.Tensor:
        """g(x)·4·(U f(D x + b) + c) for the x that was kept."""
        x, self.seen = self.seen, None
        assert x is not None
        update: torch.Tensor = self.bottleneck(x)
        return update if self.gate is None else self.gate(x) * update

    def _behind(self, module: nn.Module, args: Any, output: torch.Tensor) -> torch.Tensor:
        return output + self.update()

    def _before_norm(
        self, norm: nn.Module, args: tuple[torch.Tensor, ...]
    ) -> tuple[torch.Tensor, ...]:
        return (args[0] + self.update(), *args[1:])

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
        inner = Bottleneck(shapes.hidden, module.size, ParallelAdapter.scale, "kaiming", generator)
        return cls(module, inner, gate)
