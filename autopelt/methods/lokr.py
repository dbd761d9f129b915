"""LoKr (Yeh et al. 2023, https://arxiv.org/abs/2309.14859) on one linear map.

``W x + bias + (C ⊗ B A) x`` with ⊗ the Kronecker product: C (p, q) is small, B (k, r) and A (r, n)
make up the large factor, p·k = out and q·n = in. From r = max(k, n) / 2 on the large factor is one
matrix (k, n), as a product would be no smaller; larger sizes then mean the same. With a gate
``g(x)·(C ⊗ B A) x``. On a fused map (GPT-2's qkv) it changes its slice.

The small factor has `FACTOR` rows and columns, as peft's ``decompose_factor``; where 4 is no
divisor, the largest divisor below it. Peft's comparison (MetaMathQA) has 4 as well, and the
learning rate from there; LyCORIS' nearly square factors leave a BERT map 1,600 parameters at most.

Start: C = 0, A and B Kaiming uniform. Parameters: p·q + r·(k + n), or p·q + k·n; of a square map
16 + r·d / 2, about a quarter of what LoRA has at that rank.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from typing_extensions import override

from autopelt.methods.base import linear_shape
from autopelt.methods.by_hand import ByHand
from autopelt.methods.linear_map import LinearMap
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes

FACTOR: Final = 4


def factors(features: int) -> tuple[int, int]:
    """(small, large) with small · large = features."""
    if features % FACTOR == 0:
        return FACTOR, features // FACTOR
    small = max(d for d in range(1, FACTOR) if features % d == 0 and d * d <= features)
    return small, features // small


def whole(module: Module, shapes: Shapes) -> bool:
    """Whether the large factor is one matrix."""
    return 2 * module.size >= max(factors(features)[1] for features in linear_shape(module, shapes))


class Lokr(LinearMap):
    """LoKr; see the head of this file."""

    name = "lokr"
    words = "LoKr"
    short = "lokr"
    pattern = "+"
    drawn = 24
    learning_rate = 3e-3
    by_hand = MappingProxyType(
        {
            "lokr-r8": ByHand(("attention.query", "attention.value")),
            "lokr-all-r8": ByHand(("all-linear",)),
        }
    )

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        (q, n), (p, k) = map(factors, linear_shape(module, shapes))
        return p * q + (k * n if whole(module, shapes) else module.size * (k + n))
