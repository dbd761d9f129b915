"""A tiny random model of every family, with three layers (encoder-decoders: two and two)."""

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
)

VOCABULARY, WIDTH, PAD, EOS = 60, 32, 1, 2

_PLAIN = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
_LLAMA = {k: v for k, v in _PLAIN.items() if "dropout" not in k} | {"num_key_value_heads": 2}

CONFIGS = {
    "bert": _PLAIN,
    "roberta": _PLAIN,
    "xlm-roberta": _PLAIN,
    "electra": _PLAIN | {"embedding_size": 16},
    "distilbert": {
        "vocab_size": VOCABULARY,
        "dim": WIDTH,
        "n_layers": 3,
        "n_heads": 4,
        "hidden_dim": 48,
        "max_position_embeddings": 64,
        "dropout": 0.0,
        "attention_dropout": 0.0,
        "seq_classif_dropout": 0.0,
    },
    "deberta-v2": _PLAIN
    | {
        "relative_attention": True,
        "position_buckets": 8,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_biased_input": False,
        "type_vocab_size": 0,
        "pooler_hidden_size": WIDTH,
        "pooler_dropout": 0.0,
    },
    "modernbert": {k: v for k, v in _PLAIN.items() if "dropout" not in k}
    | {"local_attention": 6, "global_attn_every_n_layers": 2, "cls_token_id": 3, "sep_token_id": 4},
    "gpt2": {
        "vocab_size": VOCABULARY,
        "n_embd": WIDTH,
        "n_layer": 3,
        "n_head": 4,
        "n_positions": 64,
        "embd_pdrop": 0.0,
        "resid_pdrop": 0.0,
        "attn_pdrop": 0.0,
    },
    "llama": _LLAMA,
    "mistral": _LLAMA | {"sliding_window": 5},
    "qwen2": _LLAMA,
    "qwen3": _LLAMA | {"head_dim": 12},
    "t5": {
        "vocab_size": VOCABULARY,
        "d_model": WIDTH,
        "d_kv": 6,
        "d_ff": 48,
        "num_layers": 2,
        "num_decoder_layers": 2,
        "num_heads": 4,
        "dropout_rate": 0.0,
        "feed_forward_proj": "gated-gelu",
        "decoder_start_token_id": 0,
    },
    "bart": {
        "vocab_size": VOCABULARY,
        "d_model": WIDTH,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 48,
        "decoder_ffn_dim": 40,
        "max_position_embeddings": 64,
        "dropout": 0.0,
        "decoder_start_token_id": 2,
        "forced_eos_token_id": None,
    },
}
DECODERS = ("gpt2", "llama", "mistral", "qwen2", "qwen3")
SEQ2SEQ = ("t5", "bart")


def make(family, *, generates=False, attention=None, labels=2, config=None):
    """The family's model with a sequence classifier, or with what generates."""
    config = config or AutoConfig.for_model(
        family, **CONFIGS[family], pad_token_id=PAD, eos_token_id=EOS, bos_token_id=0
    )
    config.num_labels = labels
    torch.manual_seed(0)
    kind = AutoModelForSequenceClassification
    if family in SEQ2SEQ:
        kind = AutoModelForSeq2SeqLM
    elif generates:
        kind = AutoModelForCausalLM
    options = {} if attention is None else {"attn_implementation": attention}
    model = kind.from_config(config, **options).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # Random models are nearly linear at their usual start; give them something to do.
            if parameter.dim() > 1 and "embed" not in name:
                parameter.mul_(3.0)
    return model


def batch_of(family, lengths=(7, 9, 5), padding=0):
    """Token ids of the given lengths, right-padded to the longest and `padding` more."""
    generator = torch.Generator().manual_seed(11)
    width = max(lengths) + padding
    ids = torch.full((len(lengths), width), PAD)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(5, VOCABULARY, (length,), generator=generator)
        mask[row, :length] = 1
    batch = {"input_ids": ids, "attention_mask": mask}
    if family in SEQ2SEQ:
        batch["decoder_input_ids"] = torch.randint(
            5, VOCABULARY, (len(lengths), 4), generator=generator
        )
    return batch


def labels_of(family, batch):
    return batch["decoder_input_ids"] if family in SEQ2SEQ else torch.tensor([0, 1, 1])


def logits_of(model, batch):
    with torch.no_grad():
        return model(**batch).logits
