"""A training context of a tiny random decoder that learns to write words."""

from pathlib import Path

import torch
from families import FOUND
from tiny_models import byte_level
from zoo import CONFIGS

from autopelt.tasks import task_from_files
from autopelt.training.context import Context
from autopelt.training.spec import Setup

WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "did", "not", "see", "it", "near", "me"]


def decoder(family: str, folder: Path, attention: str = "sdpa", *, bf16: bool = False) -> Context:
    """A random decoder that learns to write words, of texts from 2 to 14 words."""
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = byte_level(False)
    config = AutoConfig.for_model(
        family,
        **({**CONFIGS, **FOUND}[family])
        | {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
        | {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.bos_token_id},
    )
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    texts = [WORDS[i % 5 :][: 1 + i % 9] for i in range(40)]
    rows = [f"{' '.join(text)},{' '.join(WORDS[: 1 + i % 4])}" for i, text in enumerate(texts)]
    (folder / "own.csv").write_text("\n".join(["text,target", *rows]) + "\n", encoding="utf-8")
    task = task_from_files(str(folder / "own.csv"), kind="generation", score="loss")
    context = Context(Setup(str(folder / "model"), task.spec, bf16=bf16))
    context.model.set_attn_implementation(attention)
    return context
