"""VeRA (Kopiczko et al. 2024, https://arxiv.org/abs/2310.11454) on one linear map.

``W x + bias + b ⊙ B (d ⊙ A x)`` with vectors b (out,) and d (r,) that are trained, and A (r, in),
B (out, r) that are random, frozen and the same for all maps: a map takes as many of their rows and
columns as it has features, and a rank takes the first r.

A and B are made from the seed 0 and the largest map of the backbone, by NumPy's ``RandomState``,
whose numbers never change: a folder needs to hold the vectors only. In memory they are once for the
whole model, merged they are gone, and in peft's folder they stand beside the vectors.

No gate: b scales the update already, and a gate has as many parameters as a module has.

Start: b = 0, d = 0.1, A and B Kaiming uniform for inputs of their size. Parameters: r + out,
trained and deployed alike. Learning rate: ten times LoRA's, as vectors move little by themselves.
"""

from __future__ import annotations

from types import MappingProxyType

from typing_extensions import override

from autopelt.methods.base import linear_shape
from autopelt.methods.by_hand import ByHand
from autopelt.methods.linear_map import LinearMap
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes


class Vera(LinearMap):
    """VeRA; see the head of this file."""

    name = "vera"
    words = "VeRA"
    short = "vera"
    pattern = "|"
    drawn = 25
    options = frozenset()
    learning_rate = 1e-2
    falls_with_width = False  # what is trained are vectors
    by_hand = MappingProxyType(
        {
            "vera-r256": ByHand(("attention.query", "attention.value")),
            "vera-all-r256": ByHand(("all-linear",)),
        }
    )

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        return module.size + linear_shape(module, shapes)[1]
