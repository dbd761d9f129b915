"""What both adapters are: a bottleneck U f(D x + b) + c with D (m, d), U (d, m)."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from autopelt.methods.base import Method, Places
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes

_ADAPTERS_NAMES = {
    "bottleneck.down": "adapter_down.0.weight",
    "bottleneck.down_bias": "adapter_down.0.bias",
    "bottleneck.up": "adapter_up.weight",
    "bottleneck.up_bias": "adapter_up.bias",
}


class Adapter(Method):
    """An adapter; its scale multiplies the bottleneck's output."""

    size_word = "bottleneck"
    usual_location = "ffn"
    options = frozenset({"gate"})
    falls_with_width = True
    scale: float
    parallel: bool

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        return 2 * shapes.hidden * module.size + module.size + shapes.hidden

    @override
    def not_merged(self, module: Module) -> str | None:
        return "has a nonlinearity, so it is no change of weights"

    @override
    def not_in_adapters(self, module: Module, places: Places) -> str | None:
        return None

    @override
    def adapters_config(self, module: Module, hidden: int) -> dict[str, Any]:
        attention = module.location == "attention"
        return {
            "architecture": None,
            "mh_adapter": attention,
            "output_adapter": not attention,
            # `adapters` floors hidden / reduction_factor; the half keeps it off the edge.
            "reduction_factor": hidden / (module.size + 0.5),
            "non_linearity": "relu",
            "original_ln_before": module.location == "ffn" and not self.parallel,
            "original_ln_after": True,
            "ln_before": False,
            "ln_after": False,
            "residual_before_ln": True,
            "adapter_residual_before_ln": False,
            "is_parallel": self.parallel,
            "scaling": self.scale,
            "init_weights": "mam_adapter" if self.parallel else "bert",
            "init_weights_seed": None,
            "inv_adapter": None,
            "inv_adapter_reduction_factor": None,
            "cross_adapter": False,
            "phm_layer": False,
            "dropout": 0.0,
            "stochastic_depth": 0.0,
            "use_gating": module.gate is not None,
        }

    @override
    def adapters_tensor(self, module: Module, adapter: str, key: str) -> str:
        place = "attention.output" if module.location == "attention" else "output"
        name = _ADAPTERS_NAMES.get(key, key)
        return f"encoder.layer.{module.layer}.{place}.adapters.{adapter}.{name}"
