"""DoRA (Liu et al. 2024, https://arxiv.org/abs/2402.09353) on one linear map.

``m ⊙ (W + s·B A) x / ‖W + s·B A‖ + bias`` (eq. 5) with A (r, in), B (out, r), m (out,), the norm
of each row, and ``s = alpha / r``: the weight's rows are split into lengths and directions, LoRA
turns the directions, and the lengths are trained as they are. As in the paper (4.3) and in peft no
gradient goes through the norm. On a fused map (GPT-2's qkv) it changes its slice.

No gate: a gate would scale the difference to W, and the length is what DoRA trains itself.

Start: A Kaiming uniform, B = 0, m = ‖W‖. Parameters: r·(in + out) + out. Learning rate: LoRA's.
"""

from __future__ import annotations

from types import MappingProxyType

from typing_extensions import override

from autopelt.methods.base import PeftStart, linear_shape
from autopelt.methods.by_hand import ByHand
from autopelt.methods.linear_map import LinearMap
from autopelt.methods.lora import lora_start
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes


class Dora(LinearMap):
    """DoRA; see the head of this file."""

    name = "dora"
    words = "DoRA"
    short = "dora"
    pattern = "/"
    drawn = 19
    options = frozenset({"alpha"})
    learning_rate = 1e-3
    reads_weight = "in each step"
    by_hand = MappingProxyType(
        {
            "dora-r8": ByHand(("attention.query", "attention.value")),
            "dora-all-r8": ByHand(("all-linear",)),
        }
    )

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        wide, out = linear_shape(module, shapes)
        return module.size * (wide + out) + out

    @override
    def peft_start(self, module: Module) -> PeftStart | str:
        return lora_start(module, use_dora=True, init_lora_weights=True)
