"""A pretrained model with its language-model head, to go on with pretraining."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers
from transformers import PreTrainedModel

from autopelt.backbones.load import _from_pretrained, load_config
from autopelt.backbones.quiet import quiet
from autopelt.backbones.source import ModelSource
from autopelt.errors import UnavailableError, UsageError


def load_language_model(source: ModelSource, random_seed: int) -> tuple[PreTrainedModel, str, bool]:
    """Load a model for masked (encoders) or causal (decoders) language modelling, in float32.

    Returns:
        The model; ``masked`` or ``causal``; whether its head starts anew because the checkpoint
        has none (a sentence encoder, say).

    Raises:
        UsageError: an encoder-decoder, or a family without a language model.
        UnavailableError: weights are not to be had, or lack a part of the backbone.
    """
    config = load_config(source)
    if getattr(config, "is_encoder_decoder", False):
        raise UsageError(
            f"'{source.name}' is an encoder-decoder ({config.model_type}); pretrain goes on with "
            "masked or causal language modelling only. Give an encoder or a decoder."
        )
    autos = {"masked": "AutoModelForMaskedLM", "causal": "AutoModelForCausalLM"}
    classes = {kind: getattr(transformers, name) for kind, name in autos.items()}
    kind = next((k for k, auto in classes.items() if type(config) in auto._model_mapping), None)
    if kind is None:
        raise UsageError(f"a {config.model_type} model has no language model in transformers.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(random_seed)  # a head that the checkpoint lacks starts at random
        made, info = _from_pretrained(
            classes[kind],
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
    plain: PreTrainedModel = _from_pretrained(
        transformers.AutoModel, source, dtype=torch.float32, use_safetensors=True
    )
    prefix = f"{model.base_model_prefix}."
    for name, value in plain.state_dict().items():
        state.setdefault(prefix + name, value)
    with quiet():
        model.save_pretrained(folder, state_dict=state)
