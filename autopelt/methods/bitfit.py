"""BitFit (Ben Zaken et al. 2022, https://arxiv.org/abs/2106.10199): the biases are trained.

``W x + (b + v)`` for every linear map of a layer, cross-attention's included, and
``LN(x) + (b + v)`` for its layer norms; v is trained and b stays. Which layers, a space chooses.
The paper's smaller choice, the biases of the queries and of the FFN's first map alone, is not
offered. A key's bias changes nothing where positions are added to the embeddings (softmax does not
see what all its scores share); the paper counts it, and so it is counted here.

A map without a bias gets none, as that would be another method: a backbone none of whose maps and
norms has one (Llama, T5) has no place ``biases``, one with some (Qwen2: query, key and value) has
those.

Start: v = 0. Parameters: as many as the layer has biases, in BERT 4d + d_ff + d of its maps and 2d
of its norms.
"""

from __future__ import annotations

from types import MappingProxyType

from autopelt.methods.by_hand import ByHand
from autopelt.methods.vectors import Vectors


class BitFit(Vectors):
    """BitFit; see the head of this file."""

    name = "bitfit"
    words = "BitFit"
    short = "bitfit"
    pattern = "/"
    drawn = 31
    locations = ("biases",)
    usual_location = "biases"
    learning_rate = 1e-3  # the largest of the paper's grid, 1e-4 to 1e-3
    by_hand = MappingProxyType({"bitfit": ByHand(("biases",))})
