"""Model families as data: one row of dotted paths per model type, no code.

A path is relative to the backbone (`PreTrainedModel.base_model`) or, inside a `Stack`, to one
layer.
``a|b`` means the first of the two that the model has. ``path[i/n]`` is the i-th of n equal slices
of a fused linear map's outputs. How to add a row: docs/adding-a-family.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autopelt.errors import UsageError


@dataclass(frozen=True)
class Stack:
    """A stack of equal layers, as paths inside one layer.

    Attributes:
        layers: path of the list of layers, from the backbone.
        attention: the module that computes attention: has the config, is given the mask.
        query, key, value, output: linear maps of the attention.
        attention_out: module whose output is the attention's, just before the residual is added.
        ffn_input: module whose (first) input is the FFN's input.
        ffn_out: linear map that ends the FFN; ``ffn_in`` the one that begins it.
        ffn_output: module whose output is the FFN's, before the residual is added.
        ffn_norm: layer norm behind FFN and residual; None in a pre-LN model.
        causal: true where a token does not see the tokens behind it.
    """

    layers: str
    attention: str
    query: str
    key: str
    value: str
    output: str
    attention_out: str
    ffn_input: str
    ffn_in: str
    ffn_out: str
    ffn_output: str
    ffn_norm: str | None = None
    causal: bool = False


@dataclass(frozen=True)
class Family:
    """A model family.

    Attributes:
        stacks: its stacks of layers, in the order in which layers are numbered; a stack that a
        model
            lacks (the decoder of an encoder-only T5) is skipped.
        prompt_host: the module that runs the stack with the prompt; empty for the backbone itself.
        embeddings: the module that turns token ids into embeddings, inside the host.
        prompt_at: module whose output gets the prompt rows; None: they go in as `inputs_embeds`.
        prompt_offset: how many tokens stand in front of the prompt (1: the classification token).
    """

    stacks: tuple[Stack, ...]
    embeddings: str
    prompt_host: str = ""
    prompt_at: str | None = None
    prompt_offset: int = 0


_BERT = Stack(
    layers="encoder.layer",
    attention="attention.self",
    query="attention.self.query",
    key="attention.self.key",
    value="attention.self.value",
    output="attention.output.dense",
    attention_out="attention.output.dropout",
    ffn_input="intermediate",
    ffn_in="intermediate.dense",
    ffn_out="output.dense",
    ffn_output="output.dropout",
    ffn_norm="output.LayerNorm",
)

FAMILIES: Mapping[str, Family] = {
    "bert": Family((_BERT,), "embeddings", prompt_at="embeddings", prompt_offset=1),
}


def family_of(model_type: str) -> Family:
    """The row of a model type.

    Raises:
        UsageError: there is none; says which there are and what a row needs.
    """
    family = FAMILIES.get(model_type)
    if family is None:
        raise UsageError(
            f"the model family '{model_type}' is not known. Known: {', '.join(sorted(FAMILIES))}. "
            "A row in autopelt/backbones/families.py adds one: the dotted paths of its layers, "
            "attention (query, key, value, output), FFN (first and last linear map) and norms; "
            "see docs/adding-a-family.md."
        )
    return family
