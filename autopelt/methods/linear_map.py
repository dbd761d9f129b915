"""What methods that change one linear map share: where they sit, their gate and their exports.

Notation: ``y = W x + bias`` with W (out, in), frozen; on a fused map (GPT-2's qkv), W is the slice
of the location. A method adds ``ΔW x``, and ΔW depends on W as it is frozen and on nothing else:
several methods on one map add up, in any order.
"""

from __future__ import annotations

from typing_extensions import override

from autopelt.methods.base import Method, linear_shape
from autopelt.methods.module import Module
from autopelt.methods.places import LINEAR
from autopelt.methods.shapes import Shapes


class LinearMap(Method):
    """A method that adds ``ΔW x``, or ``g(x)·ΔW x`` with a gate; its size is a rank."""

    size_word = "rank"
    colour = "--blue"
    locations = LINEAR
    usual_location = ""
    options = frozenset({"gate"})
    falls_with_width = True

    @override
    def gate_width(self, module: Module, shapes: Shapes) -> int:
        return linear_shape(module, shapes)[0]

    @override
    def not_merged(self, module: Module) -> str | None:
        gated = module.gate is not None
        return "has a gate, so its update depends on the input" if gated else None

    @override
    def not_in_peft(self, module: Module) -> str | None:
        return "has a gate, which peft does not know" if module.gate is not None else None
