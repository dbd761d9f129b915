"""P-tuning (Liu et al. 2021, https://arxiv.org/abs/2103.10385): prompt rows from a small encoder.

In training the rows are ``P = encoder(E)`` with E (n, d); afterwards they are folded into n·d
values and the rest is a prompt. With ``mlp`` = w the encoder is ``Linear(d, w) -> relu -> Linear(w,
w) -> relu -> Linear(w, d)``; without it, the paper's: a bidirectional LSTM of two layers and h = d
// 2 units a direction, then ``Linear(2h, 2h) -> relu -> Linear(2h, d)``.

Start: E from N(0, 1), all else as torch's own layers. Deployed: n·d. Trained: n·d and the encoder,
d·w + w + w² + w + w·d + d or 8h(d + h + 2) + 8h(3h + 2) + 4h² + 2h + 2hd + d.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from typing_extensions import override

from autopelt.methods.by_hand import ByHand
from autopelt.methods.module import EMBEDDINGS, Module
from autopelt.methods.prompt import Prompt
from autopelt.methods.shapes import Shapes


class PTuning(Prompt):
    """P-tuning: a prompt as it is shipped; see the head of this file."""

    name = "p_tuning"
    words = "P-tuning"
    short = "p_tuning"
    colour = "--indigo"
    drawn = 1
    options = frozenset({"gate", "mlp"})
    learning_rate = 1e-3
    by_hand = MappingProxyType({"p-tuning-10": ByHand((EMBEDDINGS,))})

    @override
    def trained(self, modules: Sequence[Module], shapes: Shapes) -> int:
        d, half = shapes.hidden, shapes.hidden // 2
        total = sum(self.deployed(module, shapes) for module in modules)
        for module in modules:
            w = module.mlp
            if w is None:
                total += 8 * half * (d + half + 2) + 8 * half * (3 * half + 2)
                total += (4 * half * half + 2 * half) + (2 * half * d + d)
            else:
                total += (d * w + w) + (w * w + w) + (w * d + d)
        return total
