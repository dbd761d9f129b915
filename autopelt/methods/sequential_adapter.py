"""Sequential adapter: a bottleneck behind a sublayer.

With h the sublayer's output after dropout, x the residual, LN the norm behind their sum and g the
gate (1 without one):

* ``ffn`` of a post-LN model (Pfeiffer et al. 2021, https://arxiv.org/abs/2005.00247; UniPELT):
  ``LN(h + x + g(z)·(U f(D z + b) + c))`` with ``z = LN(h + x)``;
* ``ffn`` of a pre-LN model, ``attention`` and ``ffn.sublayer`` (Houlsby et al. 2019,
  https://arxiv.org/abs/1902.00751), where
  ``ffn.sublayer`` is the FFN's output before the residual of a post-LN model is added:
  ``h + g(h)·(U f(D h + b) + c)``.

Start: D from N(0, 0.02²), all else zero; the literature draws U as well. Parameters: 2dm + m + d.
"""

from __future__ import annotations

from typing_extensions import override

from autopelt.methods.base import Places
from autopelt.methods.bottleneck import Adapter
from autopelt.methods.module import Module


class SequentialAdapter(Adapter):
    """Sequential adapter; see the head of this file."""

    name = "sequential_adapter"
    words = "sequential adapter"
    short = "adapter"
    colour = "--orange"
    drawn = 40
    locations = ("attention", "ffn", "ffn.sublayer")
    learning_rate = 1e-3
    scale = 1.0
    parallel = False

    @override
    def not_in_adapters(self, module: Module, places: Places) -> str | None:
        assert module.layer is not None
        others = {
            (module.layer, "ffn", "parallel_adapter"): "parallel",
            (module.layer, "ffn.sublayer", self.name): "second sequential",
        }
        for key, kind in others.items():
            if module.location.startswith("ffn") and key in places and key != module.key:
                return f"shares its FFN with a {kind} adapter, and adapters drops one of the two"
        return None
