"""Frozen weights kept in bf16, in half of the memory; all else stays in fp32.

Of the pretrained linear maps and of the tokens' embeddings the weights are rounded once and for
all; a product casts its input to bf16 and its output back, so nothing else of the model notices,
and a hook sees fp32 on both sides. Norms, attention, the task head and what is attached stay fp32.
"""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D
from typing_extensions import override

from autopelt.backbones.head import head_of

Kind = TypeVar("Kind", bound=nn.Module)


class Bf16Linear(nn.Linear):
    """A linear map with weights in bf16."""

    @override
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(…, in) fp32 -> (…, out) fp32; under autocast bf16, as every other map is there."""
        y = functional.linear(input.to(self.weight.dtype), self.weight, self.bias)
        return _back(y, input)


class Bf16Conv1D(Conv1D):
    """GPT-2's linear map, whose weight is transposed."""

    @override
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As of `Bf16Linear`."""
        y = functional.linear(x.to(self.weight.dtype), self.weight.t(), self.bias)
        return _back(y, x)


class Bf16Embedding(nn.Embedding):
    """A table of embeddings in bf16."""

    @override
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Token ids -> their embeddings in fp32."""
        return super().forward(input).float()


_KINDS: dict[type[nn.Module], type[nn.Module]] = {
    nn.Linear: Bf16Linear,
    Conv1D: Bf16Conv1D,
    nn.Embedding: Bf16Embedding,
}


def keep_in_bf16(model: PreTrainedModel) -> None:
    """Round the pretrained weights of linear maps and of the tokens' embeddings to bf16, in place.

    A subclass of these kinds, and what transformers keeps in fp32 of a model, stays as it is.
    """
    head = {id(parameter) for parameter in head_of(model).values()}
    tokens = model.get_input_embeddings()
    kept: Any = getattr(model, "_keep_in_fp32_modules", None) or ()
    for name, module in model.named_modules():
        own = list(module.parameters(recurse=False))
        if (
            type(module) not in _KINDS
            or (isinstance(module, nn.Embedding) and module is not tokens)
            or any(id(parameter) in head for parameter in own)
            or any(part in kept for part in name.split("."))
        ):
            continue
        module.__class__ = _KINDS[type(module)]
        for parameter in own:  # a table that is the output's matrix, too, is one parameter
            parameter.data = parameter.data.to(torch.bfloat16)
    for parameter in model.parameters():
        if parameter.dtype != torch.bfloat16:  # a view of the weights' file would keep all of it
            parameter.data = parameter.data.clone()


def is_kept_in_bf16(model: nn.Module) -> bool:
    """Whether weights of the model were rounded by `keep_in_bf16`."""
    return any(isinstance(module, tuple(_KINDS.values())) for module in model.modules())


def _back(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return y if torch.is_autocast_enabled(x.device.type) else y.float()
