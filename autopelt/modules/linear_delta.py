"""What the torch modules of `autopelt.methods.linear_map`'s methods share.

The update is added by a hook on the linear map, from the map's input and from what it gives with
its frozen weight; no weight is copied or changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from typing_extensions import override

from autopelt.backbones.quantised import weight_of
from autopelt.methods.base import linear_shape
from autopelt.modules.base import Sites
from autopelt.modules.pelt import Build, Pelt


@dataclass(frozen=True)
class Frozen:
    """The frozen map that a module changes, or its slice of a fused one.

    Attributes:
        module: the whole map.
        rows: the outputs of the slice.
        output: what the hook was given: of the method that is applied first, of the frozen map.
    """

    module: nn.Module
    rows: slice
    output: torch.Tensor | None = None

    @property
    def weight(self) -> torch.Tensor:
        """W (out, in); a view, or brought back where the backbone is quantised."""
        return weight_of(self.module)[self.rows]

    @property
    def product(self) -> torch.Tensor:
        """W x (…, out), for the method that is applied first; others get what has been added."""
        assert self.output is not None
        bias = self.module.bias
        output = self.output[..., self.rows]
        return output - bias[self.rows] if isinstance(bias, torch.Tensor) else output


class LinearDelta(Pelt):
    """A change ΔW of one linear map's weight, of which a subclass says `update` and `delta`."""

    def __init__(self, build: Build) -> None:
        super().__init__(build)
        self.wide, self.out = linear_shape(build.spec, build.shapes)
        self.gate = build.gate
        self.rows = slice(0, self.out)
        self.change: torch.Tensor | None = None

    def update(self, x: torch.Tensor, frozen: Frozen) -> torch.Tensor:
        """ΔW x (…, out) for x (…, in), without a gate."""
        raise NotImplementedError

    def delta(self, weight: torch.Tensor) -> torch.Tensor:
        """ΔW (out, in) for the frozen W."""
        raise NotImplementedError

    @override
    def install(self, sites: Sites) -> None:
        site = sites.linear(self.layer, self.spec.location)
        self.rows = slice(site.start, site.start + self.out)
        self.handles.append(site.module.register_forward_hook(self._add))

    def _add(
        self, module: nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor
    ) -> torch.Tensor:
        x = args[0]
        update = self.update(x, Frozen(module, self.rows, output))
        if self.gate is not None:
            update = self.gate(x) * update
        after = output.shape[-1] - self.rows.stop
        if self.rows.start or after:
            update = functional.pad(update, (self.rows.start, after))
        return output + update

    @override
    @torch.no_grad()
    def read(self, sites: Sites) -> None:
        self.change = self.delta(self._frozen(sites).weight)

    @override
    @torch.no_grad()
    def merge(self, sites: Sites) -> None:
        """W + ΔW, exact without a gate."""
        assert self.change is not None
        weight = self._frozen(sites).weight
        weight += self.change
        self.change = None

    def _frozen(self, sites: Sites) -> Frozen:
        return Frozen(sites.linear(self.layer, self.spec.location).module, self.rows)
