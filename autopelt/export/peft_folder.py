"""A folder that `peft` loads: LoRA on whole linear maps, without gates.

``adapter_config.json`` names every map in full, with its rank and alpha; the weights are
``base_model.model.{path}.lora_A.weight`` (r, in) and ``.lora_B.weight`` (out, r), and the task head
as a module that is saved whole.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.backbone import Backbone, Linear
from autopelt.errors import UsageError, parameter
from autopelt.export.trained import Trained, load_trained, require_plain_head
from autopelt.methods import method_of
from autopelt.methods.module import Module
from autopelt.modules.attachment import attached, attachment, head_parameters
from autopelt.modules.building import part_name
from autopelt.modules.checkpoint import write_tensors
from autopelt.modules.lora import LoraModule
from autopelt.system.files import write_text

_TASK_TYPES = {
    "sequence_classification": "SEQ_CLS",
    "token_classification": "TOKEN_CLS",
    "question_answering": "QUESTION_ANS",
    "seq2seq": "SEQ_2_SEQ_LM",
    "causal_lm": "CAUSAL_LM",
    "none": "FEATURE_EXTRACTION",
}
_CONFIG: dict[str, Any] = {
    "peft_type": "LORA",
    "inference_mode": True,
    "r": 1,
    "lora_alpha": 1,
    "lora_dropout": 0.0,
    "bias": "none",
}


def write(trained: Trained, out: Path, model: str | None) -> None:
    """Write configuration and weights. Raises UsageError for what peft's LoRA cannot say."""
    made, _ = load_trained(trained, model)
    require_plain_head(made, "peft")
    name, _, revision = trained.model.partition("@")
    write_model(made, out, trained.head, name, revision or None)


def write_model(
    model: PreTrainedModel, out: Path, head: str, base: str, revision: str | None = None
) -> None:
    """Write what is attached to a model.

    Args:
        model: with an architecture attached.
        out: folder that exists.
        head: a key of `autopelt.backbones.head.HEADS`.
        base: name of the backbone, for the configuration.
        revision: of the backbone.

    Raises:
        UsageError: names the module in the way.
    """
    architecture = _expressible(model)
    backbone = Backbone(model)
    names = {id(module): name for name, module in model.named_modules()}
    ranks: dict[str, int] = {}
    alphas: dict[str, float] = {}
    conv: set[bool] = set()
    tensors: dict[str, torch.Tensor] = {}
    parts = attachment(model).parts
    for module in architecture.modules:
        site, part = _site(backbone, module), parts[part_name(module)]
        assert isinstance(part, LoraModule)
        name = names[id(site.module)]
        ranks[name] = module.size
        alphas[name] = module.size if module.alpha is None else module.alpha
        conv.add(isinstance(site.module, Conv1D))
        tensors[f"base_model.model.{name}.lora_A.weight"] = part.down
        tensors[f"base_model.model.{name}.lora_B.weight"] = part.up
    if len(conv) > 1:
        raise UsageError("cannot export to peft: it takes linear maps of one kind only.")
    own = head_parameters(model)
    tensors |= {f"base_model.model.{name}": p for name, p in own.items()}
    config = _CONFIG | {
        "task_type": _TASK_TYPES[head],
        "base_model_name_or_path": base,
        "revision": revision,
        "fan_in_fan_out": conv == {True},
        "target_modules": sorted(ranks),
        "rank_pattern": ranks,
        "alpha_pattern": alphas,
        "modules_to_save": sorted({name.split(".", 1)[0] for name in own}) or None,
    }
    write_text(out / "adapter_config.json", json.dumps(config, indent=2) + "\n")
    write_tensors(out / "adapter_model.safetensors", tensors)


def _expressible(model: PreTrainedModel) -> Architecture:
    architecture = attached(model)
    if architecture is None or not architecture.modules:
        raise UsageError("cannot export to peft: no LoRA is attached, and peft holds nothing else.")
    if architecture.full:
        raise UsageError(
            f"cannot export to peft: all weights were trained; use {parameter('to', 'merged')}."
        )
    return architecture


def _site(backbone: Backbone, module: Module) -> Linear:
    """The linear map, if peft can say what sits on it."""
    where = f"{module.method} at {module.site}"
    why = method_of(module).not_in_peft(module)
    if why is not None:
        raise UsageError(
            f"cannot export to peft: {where} {why}; use {parameter('to', 'autopelt')}."
        )
    assert module.layer is not None
    site = backbone.linear(module.layer, module.location)
    weight = site.module.weight
    assert isinstance(weight, torch.Tensor)
    whole = weight.shape[1 if isinstance(site.module, Conv1D) else 0]
    if site.out_features != whole:
        raise UsageError(
            f"cannot export to peft: {where} is {site.out_features} of the {whole} outputs of a "
            f"fused map, and peft takes whole maps only; use {parameter('to', 'merged')}."
        )
    return site
