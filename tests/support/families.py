"""A tiny configuration of families that no row names; those of the table are in `zoo`."""

from transformers import AutoConfig
from zoo import CONFIGS, EOS, PAD, VOCABULARY, WIDTH

_PLAIN = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
}
_ENCODER = _PLAIN | {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
_GROUPED = _PLAIN | {"num_key_value_heads": 2}
_GPT = {"vocab_size": VOCABULARY, "n_embd": WIDTH, "n_layer": 2, "n_head": 4, "n_positions": 64}
_FALCON = {"vocab_size": VOCABULARY, "hidden_size": WIDTH, "num_hidden_layers": 2}

FOUND = {
    # decoders like Llama
    "phi3": _GROUPED | {"num_attention_heads": 8, "num_key_value_heads": 2},
    "phi": _PLAIN | {"attention_dropout": 0.0, "resid_pdrop": 0.0, "embd_pdrop": 0.0},
    "olmo2": _GROUPED,
    "gemma": _GROUPED | {"head_dim": 8},
    "gemma2": _GROUPED | {"head_dim": 8, "sliding_window": 5},
    "gemma3_text": _GROUPED | {"head_dim": 8, "sliding_window": 5},
    "smollm3": _GROUPED,
    "granite": _GROUPED | {"residual_multiplier": 0.5},
    "glm": _GROUPED | {"head_dim": 8},
    "cohere": _GROUPED,
    "starcoder2": _GROUPED | {"residual_dropout": 0.0, "embedding_dropout": 0.0},
    "nemotron": _GROUPED,
    "stablelm": _GROUPED,
    "eurobert": _GROUPED | {"mask_token_id": 4},
    # experts
    "mixtral": _GROUPED | {"num_local_experts": 4},
    "qwen3_moe": _GROUPED
    | {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24, "head_dim": 8},
    "llama4_text": _GROUPED | {"num_local_experts": 2, "head_dim": 8, "intermediate_size_mlp": 48},
    # older decoders
    "gpt_neox": _PLAIN,
    "opt": _PLAIN | {"ffn_dim": 48, "word_embed_proj_dim": WIDTH, "dropout": 0.0},
    "bloom": {"vocab_size": VOCABULARY, "hidden_size": WIDTH, "n_layer": 2, "n_head": 4},
    "falcon": _FALCON | {"num_attention_heads": 4},
    "gptj": _GPT | {"rotary_dim": 4},
    "gpt_neo": {
        "vocab_size": VOCABULARY,
        "hidden_size": WIDTH,
        "num_layers": 2,
        "num_heads": 4,
        "attention_types": [[["global", "local"], 1]],
        "max_position_embeddings": 64,
    },
    # encoders
    "mpnet": _ENCODER,
    "albert": _ENCODER | {"embedding_size": 16},
    "xlnet": {
        "vocab_size": VOCABULARY,
        "d_model": WIDTH,
        "n_layer": 2,
        "n_head": 4,
        "d_inner": 48,
        "dropout": 0.0,
    },
    # encoder-decoders
    "mt5": CONFIGS["t5"],
    "mbart": CONFIGS["bart"],
    "pegasus": CONFIGS["bart"],
    "marian": CONFIGS["bart"] | {"pad_token_id": PAD},
}
"""Configurations by model type, each with two layers a stack."""


def config_of(family):
    """The tiny configuration of a family of either table."""
    special = {"pad_token_id": PAD, "eos_token_id": EOS, "bos_token_id": 0}
    return AutoConfig.for_model(family, **(special | (CONFIGS | FOUND)[family]))
