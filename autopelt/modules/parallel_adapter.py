"""The torch module of `autopelt.methods.parallel_adapter`, where the formula stands."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from typing_extensions import override

from autopelt.methods.parallel_adapter import ParallelAdapter
from autopelt.modules.base import Sites, first_input
from autopelt.modules.bottleneck import AdapterModule


class ParallelAdapterModule(AdapterModule):
    """One parallel adapter; holds the FFN's input until its output is there."""

    scale = ParallelAdapter.scale
    start = "kaiming"
    transient = ("seen",)
    seen: torch.Tensor | None

    @override
    def install(self, sites: Sites) -> None:
        branch = sites.branch(self.layer, self.spec.location)
        self.handles.append(branch.input.register_forward_pre_hook(self._keep, with_kwargs=True))
        super().install(sites)

    def _keep(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.seen = first_input(args, kwargs)

    def _of_input(self) -> torch.Tensor:
        x, self.seen = self.seen, None
        assert x is not None
        return self.update(x)

    @override
    def _behind(self, module: nn.Module, args: Any, output: torch.Tensor) -> torch.Tensor:
        return output + self._of_input()

    @override
    def _before_norm(
        self, norm: nn.Module, args: tuple[torch.Tensor, ...]
    ) -> tuple[torch.Tensor, ...]:
        return (args[0] + self._of_input(), *args[1:])
