"""Sequential adapter: a bottleneck behind a sublayer.

With h the sublayer's output after dropout, x the residual, LN the norm behind their sum and g the
gate (1 without one):

* ``ffn`` of a post-LN model (Pfeiffer et al. 2021; UniPELT):
  ``LN(h + x + g(z)·(U f(D z + b) + c))`` with ``z = LN(h + x)``;
* ``ffn`` of a pre-LN model, ``attention`` and ``ffn.sublayer`` (Houlsby et al. 2019), where
  ``ffn.sublayer`` is the FFN's output before the residual of a post-LN model is added:
  ``h + g(h)·(U f(D h + b) + c)``.

Start: D from N(0, 0.02²), all else zero; the literature draws U as well. Parameters: 2dm + m + d.
"""

from __future__ import annotations

from typing_extensions import override

from autopelt.methods.base import Method, bottleneck_parameters
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes


class SequentialAdapter(Method):
    """Sequential adapter; see the head of this file."""

    name = "sequential_adapter"
    locations = ("attention", "ffn", "ffn.sublayer")
    options = frozenset({"gate"})
    learning_rate = 1e-3

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        return bottleneck_parameters(shapes.hidden, module.size)
