"""Parallel adapter (He et al. 2022, https://arxiv.org/abs/2110.04366).

A bottleneck beside the FFN: ``+ g(x)·4·(U f(D x + b) + c)`` at the FFN's output, x its input. In a
pre-LN model x is the normalised input. Together with a sequential adapter on one FFN, as in
AutoPEFT:
``LN(h + x + S(LN(h + x)) + P(x))``, so it is added after the sequential one has looked.

Start: D as `torch.nn.Linear`, all else zero. Parameters: 2dm + m + d.
"""

from __future__ import annotations

from typing_extensions import override

from autopelt.methods.base import Method, bottleneck_parameters
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes


class ParallelAdapter(Method):
    """Parallel adapter; see the head of this file."""

    name = "parallel_adapter"
    locations = ("ffn",)
    options = frozenset({"gate"})
    # Its scale of 4 multiplies the step as well; at 1e-3 the demo task is not learned at all.
    learning_rate = 3e-4

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        return bottleneck_parameters(shapes.hidden, module.size)
