"""LoReFT (Wu et al. 2024, https://arxiv.org/abs/2404.03592, equation 2) on a layer's hidden states.

``h + Rᵀ(W h + b − R h)`` with R (r, d) of orthonormal rows, W (r, d), b (r): in the subspace of
R's rows the state becomes W h + b, elsewhere it stays. It acts on what the layer hands on, at every
position; the paper's choice of the first and last n positions of a prompt is not offered, as a
whole text is classified here, and a generated token is treated as those before it. A gate
multiplies what is added, as it does of an adapter.

R is what Gram and Schmidt make of the rows of a free matrix of the same shape (by QR, with positive
diagonal), which is what is trained and shipped.

Start: R random, W = R and b = 0, so the network starts as it was; in the paper's code W is drawn at
random. Parameters: 2dr + r.
"""

from __future__ import annotations

from types import MappingProxyType

from typing_extensions import override

from autopelt.methods.base import Method
from autopelt.methods.by_hand import ByHand
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes


class LoReft(Method):
    """LoReFT; see the head of this file."""

    name = "loreft"
    words = "LoReFT"
    short = "loreft"
    size_word = "rank"
    colour = "--vermilion"
    pattern = "/"
    drawn = 45
    locations = ("layer",)
    usual_location = "layer"
    options = frozenset({"gate"})
    learning_rate = 1.8e-3  # measured, docs/methods.md; 9e-4 in the paper (its largest models)
    by_hand = MappingProxyType({"loreft-r8": ByHand(("layer",))})

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        return 2 * shapes.hidden * module.size + module.size

    @override
    def cannot_sit(self, module: Module, shapes: Shapes) -> str | None:
        fits = module.size <= shapes.hidden
        return None if fits else f"has rank {module.size}; {shapes.hidden} is all that states have"

    @override
    def not_merged(self, module: Module) -> str | None:
        return "is a change of hidden states, on which no weight of the backbone sits"
