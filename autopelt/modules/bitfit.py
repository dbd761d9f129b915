"""The torch module of `autopelt.methods.bitfit`, where the formula stands."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn
from typing_extensions import override

from autopelt.modules.base import Sites
from autopelt.modules.vectors import VectorsModule


class BitFitModule(VectorsModule):
    """What is added to all biases of a layer."""

    @override
    def install(self, sites: Sites) -> None:
        for owner, places in self.of(sites):
            hook = partial(self._add, places["bias"])
            self.handles.append(owner.register_forward_hook(hook))

    def _add(
        self, place: slice, module: nn.Module, args: Any, output: torch.Tensor
    ) -> torch.Tensor:
        return (output + self.offset[place]).to(output.dtype)
