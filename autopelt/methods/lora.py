"""LoRA (Hu et al. 2021, https://arxiv.org/abs/2106.09685) on one linear map.

``W x + bias + s·B A x`` with A (r, in), B (out, r); ``s = alpha / r``, and ``s = g(x)`` where
gated: the gate replaces alpha / r, as in UniPELT. On a fused map (GPT-2's qkv) the update fills its
slice.

Start: A Kaiming uniform, B = 0. Parameters: r·(in + out), 2rd for a square map.
"""

from __future__ import annotations

from typing_extensions import override

from autopelt.methods.base import Method, linear_shape
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes


class Lora(Method):
    """LoRA; see the head of this file."""

    name = "lora"
    locations = (
        "attention.query",
        "attention.key",
        "attention.value",
        "attention.output",
        "ffn.in",
        "ffn.out",
    )
    options = frozenset({"gate", "alpha"})
    learning_rate = 1e-3

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        return module.size * sum(linear_shape(module, shapes))

    @override
    def gate_width(self, module: Module, shapes: Shapes) -> int:
        return linear_shape(module, shapes)[0]
