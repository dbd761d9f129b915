"""Sequential adapter: a bottleneck behind a sublayer.

With h the sublayer's output after dropout, x the residual, LN the norm behind their sum and g the
gate (1 without one):

* ``ffn`` of a post-LN model (Pfeiffer et al. 2021; UniPELT):
  ``LN(h + x + g(z)·(U f(D z + b) + c))`` with ``z = LN(h + x)``;
* ``ffn`` of a pre-LN model, ``attention`` and ``ffn.sublayer`` (Houlsby et al. 2019), where
  ``ffn.sublayer`` is the FFN's output before the residual of a post-LN model is added:
  ``h + g(h)·(U f(D h + b) + c)``.

Start: D from N(0, 0.02²), all else zero; the literature draws U as well. Parameters: 2dm + m + d.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from typing_extensions import override

from autopelt.architecture.module import Module
from autopelt.architecture.shapes import Shapes
from autopelt.methods.base import Method, Pelt, Sites
from autopelt.methods.bottleneck import Bottleneck, bottleneck_parameters


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


class SequentialAdapter(Method):
    """Sequential adapter; see the head of this file."""

    name = "sequential_adapter"
    locations = ("attention", "ffn", "ffn.sublayer")
    options = frozenset({"gate"})
    learning_rate = 1e-3

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        return bottleneck_parameters(shapes.hidden, module.size)

    @override
    def build(
        self,
        module: Module,
        shapes: Shapes,
        gate: nn.Module | None,
        shared: Mapping[str, nn.Module],
        generator: torch.Generator,
    ) -> SequentialAdapterModule:
        inner = Bottleneck(shapes.hidden, module.size, 1.0, "normal", generator)
        return SequentialAdapterModule(module, inner, gate)
