"""Prompt (Lester et al. 2021, https://arxiv.org/abs/2104.08691): n rows among the embeddings.

``[e_1 ; P ; e_2 ; … ; e_T]`` for the embeddings e of T tokens, with P (n, d).
An encoder that begins with a classification token gets them behind that token, others in front
of the first token, behind the padding of a left-padded text.
The 2-D mask is widened, and the rows are taken out of what the backbone returns, so heads, labels,
pooling, spans and cross-attention see the sequence they know. (Attention maps lose the rows'
queries and keep their columns.) In generation the rows enter the key-value cache once, with the
first tokens.

A gate multiplies the rows: ``mean`` and ``masked`` look at the token embeddings; ``token`` looks
at the row itself, because a decoder's prompt may not see the tokens behind it.

Start: the embeddings of n tokens drawn from the vocabulary. Parameters: n·d.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from typing_extensions import override

from autopelt.methods.base import Method, Places
from autopelt.methods.by_hand import ByHand
from autopelt.methods.module import EMBEDDINGS, Module
from autopelt.methods.shapes import Shapes


class Prompt(Method):
    """Prompt; see the head of this file."""

    name = "prompt"
    words = "prompt"
    short = "prompt"
    size_word = "length"
    colour = "--purple"
    drawn = 0
    locations = (EMBEDDINGS,)
    usual_location = EMBEDDINGS
    options = frozenset({"gate"})
    # Rows are as large as embeddings (0.5 a value on MiniLM), so alone they learn faster at 3e-2 to
    # 1e-1; but steps of 1e-1 beside other modules left PT+UniPELT at chance on the demo task.
    learning_rate = 1e-2
    by_hand = MappingProxyType({"prompt-10": ByHand((EMBEDDINGS,))})

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        return module.size * shapes.hidden

    @override
    def not_merged(self, module: Module) -> str | None:
        return "adds rows to the sequence that no weight of the backbone holds"

    @override
    def not_in_peft(self, module: Module) -> str | None:
        return "has a gate, which peft does not know" if module.gate is not None else None

    @override
    def not_in_adapters(self, module: Module, places: Places) -> str | None:
        return "has a gate, and adapters has none on a prompt" if module.gate is not None else None

    @override
    def adapters_config(self, module: Module, hidden: int) -> dict[str, Any]:
        return {
            "architecture": "prompt_tuning",
            "prompt_length": module.size,
            "prompt_init": "random_uniform",
            "prompt_init_text": None,
            "random_uniform_scale": 0.5,
            "combine": "prefix_after_bos",
            "init_weights_seed": None,
        }

    @override
    def adapters_tensor(self, module: Module, adapter: str, key: str) -> str:
        return f"prompt_tuning.prompt_tunings.{adapter}.prompt_embedding.weight"
