"""A tiny OPT, which no row of the table names, with a description of it."""

from pathlib import Path

import torch
from tiny_models import byte_level
from transformers import OPTConfig, OPTModel

DESCRIPTION = """\
embeddings: embed_tokens
prompt_host: decoder
stacks:
- layers: decoder.layers
  attention: self_attn
  query: self_attn.q_proj
  key: self_attn.k_proj
  value: self_attn.v_proj
  output: self_attn.out_proj
  attention_out: self_attn.out_proj
  ffn_input: fc1
  ffn_in: fc1
  ffn_out: fc2
  ffn_output: fc2
  causal: true
"""


def opt(vocabulary: int = 60) -> OPTModel:
    """Two random layers of width 16, in evaluation mode."""
    torch.manual_seed(0)
    config = OPTConfig(
        vocab_size=vocabulary,
        hidden_size=16,
        word_embed_proj_dim=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        ffn_dim=24,
        max_position_embeddings=160,
        init_std=0.25,
    )
    return OPTModel(config).eval()


def opt_folder(folder: Path) -> Path:
    """The model and a tokenizer as files, and ``backbone.yaml`` beside the folder."""
    tokenizer = byte_level(begin=False)
    model = opt(len(tokenizer))
    model.config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder.parent / "backbone.yaml").write_text(DESCRIPTION, encoding="utf-8")
    return folder
