"""Load a pretrained model: from the package with MiniLM, from a folder, or from the Hub.

Nothing remote is executed (`trust_remote_code` is never on) and no pickle is read: safetensors
only. A weight that the checkpoint lacks is an error unless it belongs to the task head, which
starts anew from a random seed.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
)

from autopelt.backbones import quantised
from autopelt.backbones.bf16 import keep_in_bf16
from autopelt.backbones.description import describe_as
from autopelt.backbones.head import HEADS, WITH_LABELS, class_with, head_of, reset_head
from autopelt.backbones.last_token import read_last_token
from autopelt.backbones.pooler import replace_missing_pooler
from autopelt.backbones.quiet import explained, one_line
from autopelt.backbones.source import ModelSource, not_here, offline, resolve
from autopelt.backbones.structure import family_for
from autopelt.data.media import require
from autopelt.errors import UnavailableError, UsageError, did_you_mean

# Training scripts that were exported before import the last two from here.
__all__ = ["load_config", "load_model", "load_tokenizer", "reset_head", "resolve"]


def load_tokenizer(source: ModelSource) -> Any:
    """The tokenizer; one without a padding token pads with its end token.

    A decoder's pads on the right: what it makes of a token depends on nothing behind it, but may
    depend on how many places stand in front (learned positions). Generation fills up the left by
    itself. Of a model that reads pictures or sounds, what prepares those for it.

    Raises:
        UnavailableError: not to be had.
    """
    config = load_config(source)
    reads = getattr(AutoModel._model_mapping.get(type(config), None), "main_input_name", "")
    if reads == "pixel_values":
        require("image")  # transformers' class is there only with it
        return _from_pretrained(transformers.AutoImageProcessor, source)
    if reads == "input_features":
        return _from_pretrained(transformers.AutoFeatureExtractor, source)
    tokenizer = _from_pretrained(AutoTokenizer, source)
    with explained(partial(_unavailable, source)):
        tokenizer("a")  # some of what its files say is looked at only now
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if family_for(config).causal:
        tokenizer.padding_side = "right"
    return tokenizer


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Write what `load_tokenizer` gave; it pads there on the side that it was published with."""
    side = getattr(tokenizer, "init_kwargs", {}).get("padding_side")
    if side is not None:
        tokenizer.padding_side = side
    tokenizer.save_pretrained(folder)


def load_config(source: ModelSource) -> PretrainedConfig:
    """The configuration alone. Raises UnavailableError; UsageError for an unknown family."""
    config: PretrainedConfig = _from_pretrained(AutoConfig, source)
    quantised.refuse_stored(config, source)
    describe_as(config, source.family)
    family_for(config)
    return config


def load_model(
    source: ModelSource, head: str, labels: int, random_seed: int, *, keep: str = "fp32"
) -> PreTrainedModel:
    """Load a model in evaluation mode and float32: backbone frozen, task head fresh and trainable.

    Args:
        source: from `resolve`.
        head: a key of `HEADS`.
        labels: outputs of the head; 1 is regression. Only classifiers of sequences and tokens ask.
        random_seed: of the head's start.
        keep: the weights of the backbone so: ``fp32``, ``bf16`` (`autopelt.backbones.bf16`),
            ``int8`` or ``nf4`` (`autopelt.backbones.quantised`).

    Raises:
        UsageError: unknown head, or a family of which nobody knows the places.
        UnavailableError: weights are not to be had, are broken, or lack a tensor of the backbone.
    """
    if head not in HEADS:
        raise UsageError(f"unknown task head '{head}': {did_you_mean(head, HEADS)}")
    config = load_config(source)
    auto = class_with(config, head)
    if head in WITH_LABELS:
        config.num_labels = labels
        config.problem_type = None  # of what the checkpoint was trained for
    how = quantised.loading(keep, auto, config) if keep in quantised.KINDS else {}
    made, info = _from_pretrained(
        auto,
        source,
        config=config,
        dtype=torch.float32,
        use_safetensors=True,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
        **how,
    )
    model: PreTrainedModel = made
    replace_missing_pooler(model, info["missing_keys"], head)
    read_last_token(model, head)
    _complete(model, info, source)
    end = getattr(model.config, "eos_token_id", None)
    if end is not None and model.config.pad_token_id is None:
        model.config.pad_token_id = end[0] if isinstance(end, list) else end
    for weight in model.parameters():
        weight.requires_grad_(False)
    for weight in head_of(model).values():
        weight.requires_grad_(True)
    reset_head(model, random_seed)
    if how:
        quantised.complete(model, config)
    elif keep == "bf16":
        keep_in_bf16(model)
    return model.eval()


def _complete(model: PreTrainedModel, info: dict[str, Any], source: ModelSource) -> None:
    """Refuse a checkpoint that leaves a part of the backbone at random."""
    head = head_of(model)
    mismatched = [key if isinstance(key, str) else key[0] for key in info["mismatched_keys"]]
    names = {name for name, _ in model.named_parameters()}
    lost = sorted(
        key for key in {*info["missing_keys"], *mismatched} if key in names and key not in head
    )
    if lost:
        raise UnavailableError(
            f"the weights of '{source.name}' do not fit its config.json: {len(lost)} tensors of "
            f"the backbone are missing or have another shape, '{lost[0]}' first; "
            "use a complete checkpoint."
        )


def _from_pretrained(auto: Any, source: ModelSource, **options: Any) -> Any:
    """`from_pretrained` of an Auto class, silent, with errors of one line."""
    if source.kind != "hub":
        options["local_files_only"] = True
    elif source.revision:
        options["revision"] = source.revision
    with explained(partial(_unavailable, source)):
        return auto.from_pretrained(source.path_or_name, trust_remote_code=False, **options)


def _unavailable(source: ModelSource, error: Exception) -> UnavailableError:
    first = one_line(error)
    if source.kind != "hub":
        return UnavailableError(f"model '{source.name}' cannot be loaded: {first}")
    unreachable = offline() or re.search(
        r"connect|offline|timed? ?out|resolve|locate the file|LocalEntryNotFound|network|proxy",
        str(error),
        re.I,
    )
    if unreachable:
        return not_here(source)
    if "safetensors" in str(error):
        return UnavailableError(
            f"model '{source.name}' has no safetensors weights, and pickles are never read; give "
            "another revision, or convert it and give the folder."
        )
    return UnavailableError(f"model '{source.name}' cannot be loaded from the Hub: {first}")


# ---------------------------------------------------------------------- folders
