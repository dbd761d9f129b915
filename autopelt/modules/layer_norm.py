"""The torch module of `autopelt.methods.layer_norm`, where the formula stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.func import functional_call
from typing_extensions import override

from autopelt.modules.base import Sites
from autopelt.modules.peft_forms import SAVED, PeftForm
from autopelt.modules.vectors import VectorsModule


class LayerNormModule(VectorsModule):
    """What is added to the weights and biases of a layer's norms."""

    @override
    def install(self, sites: Sites) -> None:
        for owner, places in self.of(sites):
            hook = partial(self._again, places)
            self.handles.append(owner.register_forward_hook(hook))

    def _again(
        self,
        places: dict[str, slice],
        norm: nn.Module,
        args: tuple[torch.Tensor, ...],
        output: torch.Tensor,
    ) -> torch.Tensor:
        """The norm's own forward pass with other weights: norms differ in what they compute."""
        own = dict(norm.named_parameters())
        values = {f"norm.{name}": own[name] + self.offset[at] for name, at in places.items()}
        inputs = (x.to(torch.promote_types(x.dtype, self.offset.dtype)) for x in args)
        found: torch.Tensor = functional_call(_WithoutHooks(norm), values, tuple(inputs))
        return found.to(output.dtype)

    @override
    @torch.no_grad()
    def peft_forms(self, sites: Sites) -> Iterator[PeftForm]:
        """Peft's own type; beside modules of another one, norms that are saved whole."""
        for peft_type, prefix in (("LN_TUNING", "ln_tuning_layers."), (SAVED, "")):
            first, *others = (
                PeftForm(peft_type, norm, self._tensors(norm, places, prefix))
                for norm, places in self.of(sites)
            )
            yield replace(first, more=tuple(others))

    def _tensors(
        self, norm: nn.Module, places: dict[str, slice], prefix: str
    ) -> dict[str, torch.Tensor]:
        own = dict(norm.named_parameters())
        return {f"{prefix}{name}": own[name] + self.offset[at] for name, at in places.items()}


class _WithoutHooks(nn.Module):
    """A norm whose hooks are not called."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    @override
    def forward(self, *args: Any) -> Any:
        return self.norm.forward(*args)
