"""Gates: sigmoid(w·x + b), which scale what a module adds.

Notation: x (B, T, d) activations of B examples of T tokens; w (1, d), b (1).

========  =========================================  ===========  ================================
mode      value                                      shape        meaning
========  =========================================  ===========  ================================
mean      average over all T positions               (B, 1, 1)    UniPELT (Mao et al. 2022); padding
                                                                  counts, kept for parity
masked    average over real tokens                   (B, 1, 1)    padding leaves it alone; encoders
token     none                                       (B, T, 1)    causal; decoders
========  =========================================  ===========  ================================

Start: w = 0 and b = 0, so every gate begins at 0.5. Parameters: d + 1.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from typing_extensions import override

from autopelt.modules.base import Hooked, Sites, first_input, zeros
from autopelt.modules.rows import Place


class LayerMask(Hooked):
    """Keeps which tokens are real, read from the attention mask that a layer's attention is given.

    Where nobody knows which module that is, the layer's own call is read. Either happens again when
    gradient checkpointing runs a layer a second time.
    """

    transient = ("real", "tokens")
    real: torch.Tensor | None
    tokens: torch.Tensor | None

    def __init__(self, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.position = 1

    @override
    def install(self, sites: Sites) -> None:
        module = sites.masked(self.layer)
        self.position = mask_position(module)
        self.handles.append(module.register_forward_pre_hook(self._read, with_kwargs=True))

    def _read(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        hidden = first_input(args, kwargs)
        mask = kwargs.get("attention_mask", kwargs.get("mask"))
        if mask is None and len(args) > self.position:
            mask = args[self.position]
        self.real = real_tokens(mask, hidden.shape[1])
        # DeBERTa sends its table of positions through the projections of the tokens as well.
        self.tokens = None if kwargs.get("rel_embeddings") is None else hidden

    def of_projection(self, x: torch.Tensor) -> torch.Tensor | None:
        """Which positions of x, the input of a query, key or value map, are real tokens."""
        return self.real if self.tokens is None or x is self.tokens else None


class Gate(nn.Module):
    """One gate; see the table above.

    Args:
        width: d.
        mode: ``mean``, ``masked`` or ``token``.
        mask: where ``masked`` finds which tokens are real; None at the embeddings, where the caller
            says which.
        projection: x is the input of a query, key or value map.
    """

    mask: LayerMask | None

    def __init__(
        self, width: int, mode: str, mask: LayerMask | None = None, projection: bool = False
    ) -> None:
        super().__init__()
        self.mode = mode
        self.projection = projection
        self.weight = zeros(1, width)
        self.bias = zeros(1)
        # Not registered as a submodule: the layer's modules share it.
        self.__dict__["mask"] = mask

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        """w·x + b, shape (B, T, 1)."""
        return functional.linear(x, self.weight, self.bias)

    def forward(self, x: torch.Tensor, real: torch.Tensor | None = None) -> torch.Tensor:
        """The gate's value for x (B, T, d); `real` (B, T) overrides the layer's mask."""
        value = torch.sigmoid(self.scores(x))
        if self.mode == "token":
            return value
        if self.mode == "masked":
            if real is None and self.mask is not None:
                real = self.mask.of_projection(x) if self.projection else self.mask.real
            if real is not None and real.shape == x.shape[:2]:
                weight = real.unsqueeze(-1).to(value.dtype)
                return (value * weight).sum(1, True) / weight.sum(1, True).clamp(min=1.0)
        return value.mean(1, True)


def mask_position(attention: nn.Module) -> int:
    """Index of the mask among the positional arguments of an attention module."""
    real: Any = type(attention.real if isinstance(attention, Place) else attention)
    names = list(inspect.signature(real.forward).parameters)[1:]
    return next((i for i, name in enumerate(names) if name in ("attention_mask", "mask")), 1)


def real_tokens(mask: torch.Tensor | None, length: int) -> torch.Tensor | None:
    """(B, T) true at real tokens, from a 2-D mask or a 4-D one (boolean, 0/1 or additive).

    A key that no query may see is padding. None where nothing is masked.
    """
    if mask is None:
        return None
    if mask.dim() == 2:
        return mask.bool()[:, -length:]
    if mask.is_floating_point():
        visible = mask > torch.finfo(mask.dtype).min / 2
    else:
        visible = mask.bool()
    return visible.any(dim=(1, 2))[:, -length:]
