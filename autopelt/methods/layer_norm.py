"""LayerNorm tuning: the weights and biases of a layer's norms are trained.

``(w + v) ⊙ x̂ + (b + u)`` with x̂ the normalised input, for every norm in the layer: those of its
sublayers, cross-attention's and those of queries and keys included; of RMSNorm, which has no bias,
its weight. v and u are trained, w and b stay. The norms of encoders were trained so first (Qi et
al. 2022, https://arxiv.org/abs/2211.08682), then those of decoders (Zhao et al. 2023,
https://arxiv.org/abs/2312.11420). The norms of the embeddings and behind the last layer belong to
no layer and stay. A sequential adapter in front of a norm (z = LN(h + x)) looks through it as it
was pretrained.

Start: v = u = 0. Parameters: as many as the layer's norms have, 4d in BERT and GPT-2, 2d in Llama.
"""

from __future__ import annotations

from types import MappingProxyType

from typing_extensions import override

from autopelt.methods.by_hand import ByHand
from autopelt.methods.module import Module
from autopelt.methods.vectors import Vectors


class LayerNorm(Vectors):
    """LayerNorm tuning; see the head of this file."""

    name = "layer_norm"
    words = "LayerNorm tuning"
    short = "norms"
    pattern = "x"
    drawn = 32
    locations = ("norms",)
    usual_location = "norms"
    learning_rate = 2e-3  # measured beside LoRA's 1e-3, docs/methods.md
    by_hand = MappingProxyType({"layer-norm": ByHand(("norms",))})

    @override
    def not_in_peft(self, module: Module) -> str | None:
        return None
