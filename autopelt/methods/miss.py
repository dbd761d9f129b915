"""MiSS (Kang and Yin 2024, https://arxiv.org/abs/2409.15371) on one linear map.

``W x + bias + D (x_1 + x_2 + …)`` with D (out, r) and x cut into pieces of r features, the last
one filled with zeros: every shard of r inputs gets the same change, ``ΔW = [D D … D]``. There is
one matrix and no product of two. With a gate ``g(x)·D (x_1 + …)``.

Start: D = 0. Parameters: r·out; r is at most in. Learning rate: below LoRA's, as a sum of in / r
features is larger than what LoRA's A gives; how far was measured (docs/methods.md).
"""

from __future__ import annotations

from types import MappingProxyType

from typing_extensions import override

from autopelt.methods.base import linear_shape
from autopelt.methods.by_hand import ByHand
from autopelt.methods.linear_map import LinearMap
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes


class Miss(LinearMap):
    """MiSS; see the head of this file."""

    name = "miss"
    words = "MiSS"
    short = "miss"
    pattern = "-"
    drawn = 23
    learning_rate = 4e-4
    by_hand = MappingProxyType(
        {
            "miss-r8": ByHand(("attention.query", "attention.value")),
            "miss-all-r8": ByHand(("all-linear",)),
        }
    )

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        return module.size * linear_shape(module, shapes)[1]

    @override
    def misfit(self, module: Module, shapes: Shapes) -> str | None:
        wide, _ = linear_shape(module, shapes)
        if module.size <= wide:
            return None
        return f"cuts inputs into pieces of {module.size}, and the map has {wide}"
