"""A pretrained model with its language-model head, and texts as blocks of tokens for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import PretrainedConfig, PreTrainedModel

from autopelt.backbones.load import _from_pretrained, load_config
from autopelt.backbones.quiet import quiet
from autopelt.backbones.source import ModelSource
from autopelt.errors import UnavailableError, UsageError

KINDS = {
    "masked": "AutoModelForMaskedLM",
    "causal": "AutoModelForCausalLM",
    "seq2seq": "AutoModelForSeq2SeqLM",
}
"""Kinds of language models, the first that a family has, and the transformers classes."""


def language_model_kind(config: PretrainedConfig) -> str | None:
    """``seq2seq`` of an encoder-decoder, ``masked`` of an encoder, ``causal`` of a decoder.

    None where transformers has no language model of the family.
    """
    if getattr(config, "is_encoder_decoder", False):
        return "seq2seq"
    mapped = (k for k in KINDS if type(config) in getattr(transformers, KINDS[k])._model_mapping)
    return next(mapped, None)


def has_language_head(config: PretrainedConfig) -> bool:
    """Whether a checkpoint says that it holds a language model, and not a backbone alone.

    It says so by the class that wrote it. A head that is the embeddings' own matrix is always
    there; a masked language model has more than that.
    """
    kind, wrote = language_model_kind(config), getattr(config, "architectures", None)
    if kind is None:
        return False
    mapping = getattr(transformers, KINDS[kind])._model_mapping
    tied = kind != "masked" and getattr(config, "tie_word_embeddings", False)
    return not wrote or tied or mapping[type(config)].__name__ in wrote


def load_language_model(source: ModelSource, random_seed: int) -> tuple[PreTrainedModel, str, bool]:
    """Load a model with its language-model head, in float32.

    Returns:
        The model; its kind (`language_model_kind`); whether its head starts anew because the
        checkpoint has none (a sentence encoder, say).

    Raises:
        UsageError: a family without a language model.
        UnavailableError: weights are not to be had, or lack a part of the backbone.
    """
    config = load_config(source)
    kind = language_model_kind(config)
    if kind is None:
        raise UsageError(f"a {config.model_type} model has no language model in transformers.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(random_seed)  # a head that the checkpoint lacks starts at random
        made, info = _from_pretrained(
            getattr(transformers, KINDS[kind]),
            source,
            dtype=torch.float32,
            use_safetensors=True,
            output_loading_info=True,
        )
    model: PreTrainedModel = made
    prefix = f"{model.base_model_prefix}."
    known = {name for name, _ in model.named_parameters()}
    missing = [key for key in info["missing_keys"] if key in known]
    lost = sorted(key for key in missing if key.startswith(prefix))
    if lost:
        raise UnavailableError(
            f"the weights of '{source.name}' lack {len(lost)} tensors of the backbone, "
            f"'{lost[0]}' first; use a complete checkpoint."
        )
    return model, kind, bool(missing)


def save_language_model(model: PreTrainedModel, source: ModelSource, folder: Path) -> None:
    """Write weights and configuration; parts that pretraining does not use come from the source.

    A masked language model has no pooler, but a classifier on the same backbone needs it.
    """
    state = {name: value.detach().cpu() for name, value in model.state_dict().items()}
    plain, info = _from_pretrained(
        transformers.AutoModel,
        source,
        dtype=torch.float32,
        use_safetensors=True,
        output_loading_info=True,
    )
    prefix = f"{model.base_model_prefix}."
    for name, value in plain.state_dict().items():
        if name not in info["missing_keys"]:  # what the source lacks is random here
            state.setdefault(prefix + name, value)
    with quiet():
        model.save_pretrained(folder, state_dict=state)


def blocks_of(texts: Sequence[str], tokenizer: Any, limit: int) -> list[list[int]]:
    """Tokens of each text, long ones in several blocks, each with its special tokens."""
    blocks: list[list[int]] = []
    room = limit - tokenizer.num_special_tokens_to_add()
    with quiet():
        for text in texts:
            tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
            for start in range(0, len(tokens), room):
                part = tokenizer.decode(tokens[start : start + room])
                ids = tokenizer(part, truncation=True, max_length=limit)["input_ids"]
                if len(ids) > 1:
                    blocks.append(ids)
    return blocks
