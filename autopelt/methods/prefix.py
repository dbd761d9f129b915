"""Prefix (Li and Liang 2021, https://arxiv.org/abs/2101.00190): keys and values before a layer's.

``K' = [P_k ; K], V' = [P_v ; V]`` with P_k, P_v (n, d_kv), the mask widened by n columns that
every query sees. Deployed: 2·n·d_kv per layer. A gate of mode ``mean`` or ``masked`` multiplies P_k
and P_v (UniPELT); ``token`` adds log g(x) to the scores of the prefix columns, so that g -> 0 takes
the prefix away (scaling would leave it exp(0) of softmax mass).

Reparametrised (``mlp`` = w, the paper's form): the layers of an architecture whose prefix has the
same w share ``E (n_max, d) -> Linear(d, w) -> tanh -> Linear(w, 2·L'·d_kv)`` in training, with
n_max their longest prefix and L' their number; a layer takes the first n rows of its slice. It is
folded into flat vectors afterwards. Trained: n_max·d + (w·d + w) + (w·2·L'·d_kv + 2·L'·d_kv).

Start: flat N(0, 0.02²); E from N(0, 1), both linear maps as `torch.nn.Linear`.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from typing_extensions import override

from autopelt.methods.base import Method, Places
from autopelt.methods.by_hand import ByHand
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes


class Prefix(Method):
    """Prefix; see the head of this file."""

    name = "prefix"
    words = "prefix"
    short = "prefix"
    size_word = "length"
    colour = "--green"
    drawn = 10
    locations = ("attention",)
    needs = ("attention.keys",)
    usual_location = "attention"
    options = frozenset({"gate", "mlp"})
    # Flat vectors alone would take 1e-2, but beside LoRA or adapters that unsettles both; the
    # network, whose output all layers share, needs far smaller steps.
    learning_rate = 3e-3
    network_learning_rate = 1e-4
    by_hand = MappingProxyType({"prefix-10": ByHand(("attention",))})

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        return 2 * module.size * shapes.key_value

    @override
    def trained(self, modules: Sequence[Module], shapes: Shapes) -> int:
        total = sum(self.deployed(module, shapes) for module in modules)
        for width, group in by_width(modules).items():
            rows, out = max(m.size for m in group), 2 * len(group) * shapes.key_value
            total -= sum(self.ungated(module, shapes) for module in group)
            total += rows * shapes.hidden + (width * shapes.hidden + width) + (width * out + out)
        return total

    @override
    def not_merged(self, module: Module) -> str | None:
        return "adds keys and values that no weight of the backbone holds"

    @override
    def not_in_peft(self, module: Module) -> str | None:
        return "is kept by peft as tokens that were there before, which moves all positions"

    @override
    def not_in_adapters(self, module: Module, places: Places) -> str | None:
        return None

    @override
    def adapters_config(self, module: Module, hidden: int) -> dict[str, Any]:
        return {
            "architecture": "prefix_tuning",
            "prefix_length": module.size,
            "flat": True,
            "encoder_prefix": True,
            "cross_prefix": True,
            "non_linearity": "tanh",
            "bottleneck_size": 512,
            "dropout": 0.0,
            "shared_gating": True,
            "use_gating": module.gate is not None,
            "init_weights_seed": None,
        }

    @override
    def adapters_tensor(self, module: Module, adapter: str, key: str) -> str:
        if key in ("keys", "values"):
            return f"prefix_tuning.prefix_tunings.{adapter}.self_prefix.control_trans"
        place = f"encoder.layer.{module.layer}.attention.self.prefix_tuning.prefix_gates"
        return f"{place}.{adapter}.{key.removeprefix('gate.')}"


def network_name(width: int) -> str:
    """Name of the network that the prefixes with this ``mlp`` share."""
    return f"prefix_network/{width}"


def by_width(modules: Sequence[Module]) -> dict[int, list[Module]]:
    """The reparametrised modules by the width of their network."""
    groups: dict[int, list[Module]] = {}
    for module in modules:
        if module.mlp is not None:
            groups.setdefault(module.mlp, []).append(module)
    return groups
