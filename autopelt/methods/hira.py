"""HiRA (Huang et al. 2025, https://openreview.net/forum?id=TwJrTz9cRS) on one linear map.

``W x + bias + (W ⊙ B A) x`` with A (r, in), B (out, r) and ⊙ entry by entry: an update of low rank
says by which share each weight grows, so that the change itself may have full rank. With a gate
``g(x)·(W ⊙ B A) x``. On a fused map (GPT-2's qkv) it changes its slice.

Start: A Kaiming uniform, B = 0. Parameters: r·(in + out), as of LoRA. Learning rate: well
above LoRA's, as entries of W are small; measured (docs/methods.md). In peft's own comparison
(MetaMathQA, rank 32) it has 4.5e-3 where LoRA has 1e-4.
"""

from __future__ import annotations

from types import MappingProxyType

from typing_extensions import override

from autopelt.methods.base import linear_shape
from autopelt.methods.by_hand import ByHand
from autopelt.methods.linear_map import LinearMap
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes


class Hira(LinearMap):
    """HiRA; see the head of this file."""

    name = "hira"
    words = "HiRA"
    short = "hira"
    pattern = "x"
    drawn = 22
    learning_rate = 9e-3
    reads_weight = "in each step"
    by_hand = MappingProxyType(
        {
            "hira-r8": ByHand(("attention.query", "attention.value")),
            "hira-all-r8": ByHand(("all-linear",)),
        }
    )

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        return module.size * sum(linear_shape(module, shapes))
