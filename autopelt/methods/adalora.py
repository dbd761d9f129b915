"""AdaLoRA (Zhang et al. 2023, https://arxiv.org/abs/2303.10512): LoRA that finds its own ranks.

``W x + bias + s·P Λ Q x`` with P (out, k), Λ (k,) and Q (k, in) in place of B A. Every map begins
with k = 1.5 r ranks, and they are pruned to r a map on average: a cubic schedule, by importance
(`autopelt.modules.adalora`). The architecture's size is r; what is trained is more.

What is shipped is plain LoRA, with as many ranks on each map as were left of it: A = Q, B = s·P Λ.
In the paper all maps compete for ranks; here maps of one shape do, so that the parameters are those
that were asked for, to the unit.

Start: P and Q random and orthonormal, Λ = 0; s = sqrt(out / 3), so that a step on Λ changes W by as
much as one on LoRA's B, whose A has rows of norm sqrt(1 / 3). The paper starts P and Q at
N(0, 0.02²), which thousands of steps make orthonormal; in the few hundred of a short training that
drowns the task, and nothing is learned. Parameters: r·(in + out), of a map on average.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType

from typing_extensions import override

from autopelt.methods.base import linear_shape
from autopelt.methods.by_hand import ByHand
from autopelt.methods.linear_map import LinearMap
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes


class AdaLora(LinearMap):
    """AdaLoRA; see the head of this file."""

    name = "adalora"
    words = "AdaLoRA"
    short = "adalora"
    pattern = "."
    drawn = 29
    options = frozenset()
    learning_rate = 2e-3
    tended = True
    ships_as = "lora"
    by_hand = MappingProxyType({"adalora-r8": ByHand(("attention.query", "attention.value"))})

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        return module.size * sum(linear_shape(module, shapes))

    @override
    def trained(self, modules: Sequence[Module], shapes: Shapes) -> int:
        wide = ((first_ranks(m, shapes), sum(linear_shape(m, shapes))) for m in modules)
        return sum(ranks * (width + 1) for ranks, width in wide)


def first_ranks(module: Module, shapes: Shapes) -> int:
    """Ranks at the start: half as many again, as far as the map has so many directions."""
    return max(module.size, min(math.ceil(1.5 * module.size), *linear_shape(module, shapes)))
