"""(IA)³ (Liu et al. 2022, https://arxiv.org/abs/2205.05638): activations scaled by learned vectors.

The keys and the values are multiplied by l_k and l_v (section 3.3), elementwise:
``l ⊙ (W x + bias)`` at ``attention.key``, ``attention.value``, and at ``attention.qkv`` where the
three are one map. The FFN's inner activations are multiplied by l_ff: ``W (l ⊙ x) + bias`` at
``ffn.out``. Here l = 1 + v, and v is what is trained, so that weight decay draws towards the
pretrained network. On a fused map (GPT-2's qkv) l scales its slice.

No gate: a gate has as many parameters as the vector that it would scale.

Start: v = 0. Parameters: one for each scaled feature: d_kv for keys and for values, the FFN's inner
width at ``ffn.out``.
"""

from __future__ import annotations

from types import MappingProxyType

from typing_extensions import override

from autopelt.methods.base import Method, PeftStart, linear_shape
from autopelt.methods.by_hand import ByHand
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes

SCALES_INPUT = ("ffn.out",)
"""Locations whose map's input is scaled, and not its output."""


class IA3(Method):
    """(IA)³; see the head of this file."""

    name = "ia3"
    words = "IA3"
    short = "ia3"
    size_word = ""
    colour = "--brown"
    drawn = 30
    locations = ("attention.key", "attention.value", "attention.qkv", "ffn.out")
    usual_location = ""
    options = frozenset()
    learning_rate = 1.2e-2  # measured, docs/methods.md
    usual_rate = 3e-3  # T-Few, on T0 of 3 and 11 billion parameters
    by_hand = MappingProxyType({"ia3": ByHand(("attention.key", "attention.value", "ffn.out"))})

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        wide, out = linear_shape(module, shapes)
        return wide if module.location in SCALES_INPUT else out

    @override
    def not_merged(self, module: Module) -> str | None:
        return None

    @override
    def not_in_peft(self, module: Module) -> str | None:
        return None

    @override
    def peft_start(self, module: Module) -> PeftStart | str:
        # peft's l itself is trained, which decay would draw to 0.
        scales_input = module.location in SCALES_INPUT
        return PeftStart("IA3Config", scales_input=scales_input, decays=False)
