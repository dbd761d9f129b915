"""Model families as data: one row of dotted paths per model type, no code.

A path is relative to the backbone (`PreTrainedModel.base_model`) or, inside a `Stack`, to one
layer.
``a|b`` means the first of the two that the model has. ``path[i/n]`` is the i-th of n equal slices
of a fused linear map's outputs. A place that a model lacks is None. How to add a row:
docs/adding-a-family.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Stack:
    """A stack of equal layers, as paths inside one layer.

    A place that is None, or that not every layer has, is no location of the backbone.

    Attributes:
        layers: path of the list of layers, from the backbone.
        attention: the module that computes attention: has the config, is given the mask.
        query, key, value, output: linear maps of the attention.
        qkv: instead of the first three, a fused map that equal slices do not cut.
        attention_out: module whose output is the attention's, just before the residual is added.
        ffn_input: module whose (first) input is the FFN's input.
        ffn_out: linear map that ends the FFN; ``ffn_in`` the one that begins it, with the gate's
            rows where both are one map.
        ffn_gate: linear map whose activation multiplies what ``ffn_in`` gives.
        ffn_output: module whose output is the FFN's, before the residual is added.
        ffn_norm: layer norm behind FFN and residual; None in a pre-LN model.
        causal: true where a token does not see the tokens behind it; gates then work per token.
    """

    layers: str
    attention: str | None = None
    query: str | None = None
    key: str | None = None
    value: str | None = None
    qkv: str | None = None
    output: str | None = None
    attention_out: str | None = None
    ffn_input: str | None = None
    ffn_in: str | None = None
    ffn_gate: str | None = None
    ffn_out: str | None = None
    ffn_output: str | None = None
    ffn_norm: str | None = None
    causal: bool = False


@dataclass(frozen=True)
class Family:
    """A model family.

    Attributes:
        stacks: its stacks of layers, in the order in which layers are numbered; a stack that a
            model lacks (the decoder of an encoder-only T5) is skipped.
        prompt_host: the module that runs the stack with the prompt; empty for the backbone itself.
        embeddings: the module that turns token ids into embeddings, inside the host; None: prompt
            rows have no place.
        prompt_at: module whose output gets the prompt rows; None: they go in as `inputs_embeds`.
        prompt_offset: how many tokens stand in front of the prompt (1: the classification token).
        unfit: what does not work on it though the place is there, as ``prefix@attention``.
        boundaries: whether layers take and give states alone, one row a text, each once; then a
            pass can start at a layer, and several architectures can share one.
    """

    stacks: tuple[Stack, ...]
    embeddings: str | None = None
    prompt_host: str = ""
    prompt_at: str | None = None
    prompt_offset: int = 0
    unfit: tuple[str, ...] = ()
    boundaries: bool = True

    @property
    def causal(self) -> bool:
        """Whether it is a decoder alone: no token sees those behind it."""
        return all(stack.causal for stack in self.stacks)


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

_DISTILBERT = Stack(
    layers="transformer.layer",
    attention="attention",
    query="attention.q_lin",
    key="attention.k_lin",
    value="attention.v_lin",
    output="attention.out_lin",
    attention_out="attention.out_lin",
    ffn_input="ffn",
    ffn_in="ffn.lin1",
    ffn_out="ffn.lin2",
    ffn_output="ffn",
    ffn_norm="output_layer_norm",
)

_DEBERTA_V2 = replace(
    _BERT,
    query="attention.self.query_proj",
    key="attention.self.key_proj",
    value="attention.self.value_proj",
)

_MODERNBERT = Stack(
    layers="layers",
    attention="attn",
    query="attn.Wqkv[0/3]",
    key="attn.Wqkv[1/3]",
    value="attn.Wqkv[2/3]",
    output="attn.Wo",
    attention_out="attn.out_drop",
    ffn_input="mlp",
    ffn_in="mlp.Wi",
    ffn_out="mlp.Wo",
    ffn_output="mlp",
)

_GPT2 = Stack(
    layers="h",
    attention="attn",
    query="attn.c_attn[0/3]",
    key="attn.c_attn[1/3]",
    value="attn.c_attn[2/3]",
    output="attn.c_proj",
    attention_out="attn.resid_dropout",
    ffn_input="mlp",
    ffn_in="mlp.c_fc",
    ffn_out="mlp.c_proj",
    ffn_output="mlp",
    causal=True,
)

_LLAMA = Stack(
    layers="layers",
    attention="self_attn",
    query="self_attn.q_proj",
    key="self_attn.k_proj",
    value="self_attn.v_proj",
    output="self_attn.o_proj",
    attention_out="self_attn.o_proj",
    ffn_input="mlp",
    ffn_in="mlp.up_proj",
    ffn_gate="mlp.gate_proj",
    ffn_out="mlp.down_proj",
    ffn_output="mlp",
    causal=True,
)

_T5_ENCODER = Stack(
    layers="encoder.block",
    attention="layer.0.SelfAttention",
    query="layer.0.SelfAttention.q",
    key="layer.0.SelfAttention.k",
    value="layer.0.SelfAttention.v",
    output="layer.0.SelfAttention.o",
    attention_out="layer.0.dropout",
    ffn_input="layer.1.DenseReluDense",
    ffn_in="layer.1.DenseReluDense.wi|layer.1.DenseReluDense.wi_1",
    ffn_gate="layer.1.DenseReluDense.wi_0",
    ffn_out="layer.1.DenseReluDense.wo",
    ffn_output="layer.1.dropout",
)

_T5_DECODER = replace(
    _T5_ENCODER,
    layers="decoder.block",
    ffn_input="layer.2.DenseReluDense",
    ffn_in="layer.2.DenseReluDense.wi|layer.2.DenseReluDense.wi_1",
    ffn_gate="layer.2.DenseReluDense.wi_0",
    ffn_out="layer.2.DenseReluDense.wo",
    ffn_output="layer.2.dropout",
    causal=True,
)

_BART_ENCODER = Stack(
    layers="encoder.layers",
    attention="self_attn",
    query="self_attn.q_proj",
    key="self_attn.k_proj",
    value="self_attn.v_proj",
    output="self_attn.out_proj",
    attention_out="self_attn.out_proj",
    ffn_input="fc1",
    ffn_in="fc1",
    ffn_out="fc2",
    ffn_output="fc2",
    ffn_norm="final_layer_norm",
)

_BART_DECODER = replace(_BART_ENCODER, layers="decoder.layers", causal=True)

_BERT_LIKE = Family((_BERT,), "embeddings", prompt_at="embeddings", prompt_offset=1)
_LLAMA_LIKE = Family((_LLAMA,), "embed_tokens")

FAMILIES: dict[str, Family] = {
    "bart": Family(
        (_BART_ENCODER, _BART_DECODER), "embed_tokens", prompt_host="encoder", prompt_offset=1
    ),
    "bert": _BERT_LIKE,
    "deberta-v2": Family((_DEBERTA_V2,), "embeddings.word_embeddings", prompt_offset=1),
    "distilbert": Family((_DISTILBERT,), "embeddings", prompt_at="embeddings", prompt_offset=1),
    "electra": replace(_BERT_LIKE, prompt_at="embeddings_project|embeddings"),
    "gpt2": Family((_GPT2,), "wte"),
    "llama": _LLAMA_LIKE,
    "mistral": _LLAMA_LIKE,
    "modernbert": Family((_MODERNBERT,), "embeddings.tok_embeddings", prompt_offset=1),
    "qwen2": _LLAMA_LIKE,
    "qwen3": _LLAMA_LIKE,
    "roberta": _BERT_LIKE,
    "t5": Family((_T5_ENCODER, _T5_DECODER), "embed_tokens", prompt_host="encoder"),
    "xlm-roberta": _BERT_LIKE,
}
"""The rows. In an encoder-decoder `attention` is self-attention; cross-attention is no place."""


REGISTERED: dict[str, Family] = {}
"""Families that a user described, by model type; they win over the rows."""
