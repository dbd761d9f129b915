"""Dropout on a processor at a fraction of the cost, in the backbone, the modules and attention.

PyTorch draws a number for every element, one after another in one thread, which takes a fifth of a
training step, and with dropout in it attention leaves its fast path for one that looks for rows
without any key. Here a draw of 64 bits decides on four elements: an element is dropped where its 16
bits are below round(65536 p). What is kept is divided by the probability of just that, so the
expectation is exact. The mask is kept as one byte an element, not four.

Draws come from PyTorch's global generator, as they always do.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

LEVELS = 2**16


class FastDropout(TorchFunctionMode):
    """Functions of PyTorch with dropout in them, on a processor; all others are left alone."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Called by PyTorch for each of its functions."""
        given = kwargs or {}
        output = None
        if func is nn.functional.dropout:
            output = _dropout(*args, **given)
        elif func is nn.functional.scaled_dot_product_attention and given.get("dropout_p"):
            output = _attention(*args, **given)
        return func(*args, **given) if output is None else output


def drop(x: torch.Tensor, p: float) -> torch.Tensor:
    """Set each element to 0 with probability p, to 1/65536; what is kept grows so as to make up."""
    y: torch.Tensor = _Dropout.apply(x, round(p * LEVELS))
    return y


def _dropout(
    input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> torch.Tensor | None:
    """The dropout, or None where PyTorch's own is to be taken."""
    if not training or inplace or not _ours(input, p):
        return None
    with torch._C.DisableTorchFunction():
        return drop(input, p)


def _attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor | None:
    """softmax(query keyᵀ scale + mask) with dropout, times value; None where not to be taken.

    Shapes are (..., queries, width), (..., keys, width), (..., keys, width of values). A query that
    no key is allowed for gets zeros by a boolean mask, as from PyTorch.
    """
    learned = attn_mask is not None and attn_mask.requires_grad
    if is_causal or enable_gqa or learned or not _ours(query, dropout_p):
        return None
    with torch._C.DisableTorchFunction():
        factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
        scores = (query * factor) @ key.transpose(-2, -1)
        if attn_mask is None:
            return drop(scores.softmax(-1), dropout_p) @ value
        if attn_mask.dtype != torch.bool:
            return drop((scores + attn_mask).softmax(-1), dropout_p) @ value
        none = torch.zeros_like(attn_mask, dtype=scores.dtype)
        lowest = torch.finfo(scores.dtype).min
        shares = (scores + none.masked_fill(~attn_mask, lowest)).softmax(-1)
        if not bool(attn_mask.any(-1).all()):
            shares = shares * attn_mask
        return drop(shares, dropout_p) @ value


def _ours(x: object, p: float) -> bool:
    """Whether it is a tensor of a processor and a probability that 16 bits can tell."""
    return isinstance(x, torch.Tensor) and x.device.type == "cpu" and 0 < round(p * LEVELS) < LEVELS


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, level: int) -> torch.Tensor:
        """x: any shape; level: how many of 65536 are dropped."""
        words = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
        bits = words.view(torch.int16)[: x.numel()].view(x.shape)
        mask = bits >= level - LEVELS // 2
        ctx.save_for_backward(mask)
        ctx.scale = LEVELS / (LEVELS - level)
        return torch.ops.aten.native_dropout_backward(x, mask, ctx.scale)  # x * mask * scale

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        """grads: of the output; returns that of x."""
        (mask,) = ctx.saved_tensors
        return torch.ops.aten.native_dropout_backward(grads[0], mask, ctx.scale), None
