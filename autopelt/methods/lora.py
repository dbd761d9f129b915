"""LoRA (Hu et al. 2021, https://arxiv.org/abs/2106.09685) on one linear map.

``W x + bias + s·B A x`` with A (r, in), B (out, r); ``s = alpha / r``, and ``s = g(x)`` where
gated: the gate replaces alpha / r, as in UniPELT. On a fused map (GPT-2's qkv) the update fills its
slice.

Rank-stabilised (rsLoRA, Kalajdzievski 2023, https://arxiv.org/abs/2312.03732): s = sqrt(8 / r), so
that large ranks learn at the rates of small ones; it is an alpha of sqrt(8 r).

Start: A Kaiming uniform, B = 0. Parameters: r·(in + out), 2rd for a square map. Two other starts:

* ``eva`` (Paischer et al. 2024, https://arxiv.org/abs/2410.07170): the rows of A are the principal
  directions of the map's inputs, of a few batches of the train split; B = 0.
* ``pissa`` (Meng et al. 2024, https://arxiv.org/abs/2404.02948): with the singular value
  decomposition W = U S Vᵀ, ``B₀ = U_r (S_r / s)^½`` and ``A₀ = (S_r / s)^½ V_rᵀ`` are what B and A
  begin at. The paper trains them beside W - s·B₀A₀; here W stays as it is, shared by all trials,
  and the update is ``s·(B A - B₀ A₀) x``: the same function. B₀ and A₀ are not trained but shipped,
  so that nobody has to decompose W again: it trains r·(in + out) and deploys twice as many, as
  LoRA of rank 2r, [A; A₀] and [B, -B₀].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from typing_extensions import override

from autopelt.methods.base import PeftStart, Places, linear_shape
from autopelt.methods.by_hand import ByHand
from autopelt.methods.linear_map import LinearMap
from autopelt.methods.module import EVA, PISSA, Module
from autopelt.methods.shapes import Shapes

_ADAPTERS: dict[str, tuple[str, dict[str, Any]]] = {
    "attention.query": ("attention.self.query", {"attn_matrices": ["q"]}),
    "attention.key": ("attention.self.key", {"attn_matrices": ["k"]}),
    "attention.value": ("attention.self.value", {"attn_matrices": ["v"]}),
    "ffn.in": ("intermediate.dense", {"selfattn_lora": False, "intermediate_lora": True}),
    "ffn.out": ("output.dense", {"selfattn_lora": False, "output_lora": True}),
}
"""For each location: the linear map in `adapters`, and what its configuration says of it."""


USUAL_RANK = 8
"""At this rank LoRA and rank-stabilised LoRA have the same scale, 1."""


def stabilised(rank: int) -> float:
    """The alpha of rank-stabilised LoRA: alpha / rank falls with the square root of the rank."""
    return round(math.sqrt(USUAL_RANK * rank), 4)


def _rank_stabilised(rank: int) -> dict[str, float]:
    return {"alpha": stabilised(rank)}


def lora_start(module: Module, **shared: Any) -> PeftStart:
    """What peft's LoraConfig says of a module."""
    alpha = module.size if module.alpha is None else module.alpha
    return PeftStart("LoraConfig", {"r": module.size, "lora_alpha": alpha}, shared)


class Lora(LinearMap):
    """LoRA; see the head of this file."""

    name = "lora"
    words = "LoRA"
    short = "lora"
    drawn = 20
    options = frozenset({"gate", "alpha", "start"})
    learning_rate = 1e-3
    usual_rate = 2e-4  # QLoRA up to 13 billion parameters (Dettmers et al. 2023, table 9)
    by_hand = MappingProxyType(
        {
            "lora-r8": ByHand(("attention.query", "attention.value")),
            "lora-all-r8": ByHand(("all-linear",)),
            "lora-attention-r8": ByHand(("attention.all",)),
            "rslora-r64": ByHand(("attention.query", "attention.value"), _rank_stabilised),
            "rslora-all-r64": ByHand(("all-linear",), _rank_stabilised),
            "pissa-r8": ByHand(("attention.query", "attention.value"), lambda _: {"start": PISSA}),
            "eva-r8": ByHand(("attention.query", "attention.value"), lambda _: {"start": EVA}),
        }
    )

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        fixed = 2 if module.start == PISSA else 1
        return fixed * module.size * sum(linear_shape(module, shapes))

    @override
    def trained(self, modules: Sequence[Module], shapes: Shapes) -> int:
        kept = sum(self.deployed(module, shapes) for module in modules)
        fixed = (m for m in modules if m.start == PISSA)
        return kept - sum(m.size * sum(linear_shape(m, shapes)) for m in fixed)

    @override
    def peft_start(self, module: Module) -> PeftStart | str:
        why = self.not_in_peft(module)
        if why is not None:
            return why
        if module.start == EVA:
            return f"starts at {EVA}, for which peft wants the data before it trains"
        return lora_start(module, use_dora=False, init_lora_weights=module.start or True)

    @override
    def not_in_adapters(self, module: Module, places: Places) -> str | None:
        if module.location not in _ADAPTERS:
            return f"is LoRA on {module.location}, which adapters does not have"
        if module.start == PISSA:
            return f"starts at {PISSA}, which adapters does not have"
        return "has both a gate and an alpha" if module.gate and module.alpha else None

    @override
    def adapters_config(self, module: Module, hidden: int) -> dict[str, Any]:
        return {
            "architecture": "lora",
            "composition_mode": "add",
            "r": module.size,
            "alpha": module.size if module.alpha is None else module.alpha,
            "attn_matrices": ["q"],
            "selfattn_lora": True,
            "intermediate_lora": False,
            "output_lora": False,
            "dropout": 0.0,
            "dtype": None,
            "init_weights": "lora",
            "init_weights_seed": None,
            "use_dora": False,
            "use_gating": module.gate is not None,
            "vera_b": None,
            "vera_d": None,
        } | _ADAPTERS[module.location][1]

    @override
    def adapters_tensor(self, module: Module, adapter: str, key: str) -> str:
        name = {"down": "lora_A", "up": "lora_B"}.get(key, key)
        place = _ADAPTERS[module.location][0]
        return f"encoder.layer.{module.layer}.{place}.loras.{adapter}.{name}"
