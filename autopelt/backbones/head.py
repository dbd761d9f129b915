"""The task head: which parameters it has, how many, and how it starts."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
import transformers
from torch import nn
from transformers import AutoModel, PretrainedConfig, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from autopelt.backbones.backbone import backbone_of
from autopelt.backbones.quiet import explained, invalid, quiet
from autopelt.backbones.structure import family_for
from autopelt.errors import UsageError

HEADS = {
    "none": "AutoModel",
    "sequence_classification": "AutoModelForSequenceClassification",
    "token_classification": "AutoModelForTokenClassification",
    "question_answering": "AutoModelForQuestionAnswering",
    "seq2seq": "AutoModelForSeq2SeqLM",
    "causal_lm": "AutoModelForCausalLM",
    "image_classification": "AutoModelForImageClassification",
    "audio_classification": "AutoModelForAudioClassification",
}
"""Task heads and the transformers classes that have them."""

WITH_LABELS = (
    "sequence_classification",
    "token_classification",
    "image_classification",
    "audio_classification",
)
"""Those with an output for each class."""


def barest_head(config: PretrainedConfig) -> str:
    """The head with which a model is tried: none, but what hears is used without its decoder."""
    made: Any = AutoModel._model_mapping.get(type(config), None)
    hears = getattr(made, "main_input_name", "") == "input_features"
    return "audio_classification" if hears and config.is_encoder_decoder else "none"


def reset_head(
    model: PreTrainedModel, random_seed: int, prior: Sequence[float] | None = None
) -> None:
    """Start the task head anew: linear maps N(0, initializer_range²), biases 0, norms 1 and 0.

    Args:
        prior: the biases of the head's outputs instead of 0; a head without biases leaves it out.
    """
    head = head_of(model)
    own = set(map(id, head.values()))
    generator = torch.Generator().manual_seed(random_seed)
    std = getattr(model.config, "initializer_range", None) or 0.02
    with torch.no_grad():
        for module in model.modules():
            for name, weight in module.named_parameters(recurse=False):
                if id(weight) not in own:
                    continue
                if name == "bias":
                    weight.zero_()
                elif isinstance(module, nn.Linear | Conv1D | nn.Embedding):
                    drawn = torch.empty(weight.shape).normal_(0.0, std, generator=generator)
                    weight.copy_(drawn)
                else:
                    weight.fill_(1.0)
        if prior is not None:
            name, last = list(head.items())[-1]
            if name.endswith("bias"):
                last.copy_(torch.tensor(prior))


def head_of(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """The task head's parameters by name: all outside the backbone.

    What a language model has there is pretrained, so it has no such head.
    """
    if model.get_output_embeddings() is not None:
        return {}
    base = backbone_of(model)
    parts: list[nn.Module] = [base]
    plain: Any = AutoModel._model_mapping[type(model.config)]
    if base is model and type(model) is not plain:
        # T5 with a head holds the parts of its backbone itself, beside the head.
        roots = {stack.layers.split(".")[0] for stack in family_for(model.config).stacks}
        parts = [child for name, child in model.named_children() if name in roots]
        parts.append(model.get_input_embeddings())
    backbone = {id(p) for part in parts for p in part.parameters()}
    return {name: p for name, p in model.named_parameters() if id(p) not in backbone}


def in_unit(head: Mapping[str, torch.Tensor], unit: tuple[float, float]) -> dict[str, torch.Tensor]:
    """The parameters of a head whose outputs are centre + scale times those of this one.

    Args:
        head: parameters by name; the last linear map is the last of them. One without a bias
            gets one, as a centre has no other place.
        unit: (centre, scale).
    """
    centre, scale = unit
    changed = dict(head)
    if unit != (0.0, 1.0):
        path = list(head)[-1].rpartition(".")[0]
        weight, bias = head[f"{path}.weight"], head.get(f"{path}.bias")
        changed[f"{path}.weight"] = weight * scale
        none = weight.new_zeros(weight.shape[0])
        changed[f"{path}.bias"] = (none if bias is None else bias * scale) + centre
    return changed


def add_biases(model: PreTrainedModel, names: Iterable[str]) -> None:
    """Give linear maps of the task head a bias where they have none; `in_unit` makes such."""
    known = dict(model.named_parameters())
    for name in set(names) - set(known):
        path, _, last = name.rpartition(".")
        module = known.get(f"{path}.weight") is not None and model.get_submodule(path)
        if last == "bias" and isinstance(module, nn.Linear):
            module.bias = nn.Parameter(module.weight.new_zeros(module.out_features))


def added_biases(model: PreTrainedModel, names: Iterable[str]) -> list[str]:
    """Those of the task head's parameters that its class in transformers does not have."""
    with torch.device("meta"), quiet():
        plain = dict(type(model)(copy.deepcopy(model.config)).named_parameters())
    return [name for name in names if name not in plain]


def class_with(config: PretrainedConfig, head: str) -> Any:
    """The Auto class of transformers that gives a model of this family such a head.

    Args:
        head: a key of `HEADS`.

    Raises:
        UsageError: transformers has no such model.
    """
    auto = getattr(transformers, HEADS[head])
    if type(config) not in auto._model_mapping:
        raise UsageError(
            f"a {config.model_type} model has no {head.replace('_', ' ')} head in transformers; "
            "choose another task or another model."
        )
    return auto


def head_kind(model: PreTrainedModel) -> str:
    """Which of `HEADS` a model has, by its class or what that is made of.

    Raises:
        UsageError: its head is of another kind.
    """
    for head, auto in HEADS.items():
        made: Any = getattr(transformers, auto)._model_mapping.get(type(model.config), ())
        if isinstance(model, made):
            return head
    raise UsageError(
        f"a {type(model).__name__} is none of transformers' models with a head that others know."
    )


def head_size(config: PretrainedConfig, head: str, outputs: int) -> int:
    """Parameters of a fresh task head; a language-model head is pretrained and counts as none.

    Args:
        config: of the backbone.
        head: a key of `HEADS`.
        outputs: classes of the head, 1 for regression.

    Raises:
        UsageError: as `class_with`.
        UnavailableError: the configuration gives no such model.
    """
    own = copy.deepcopy(config)
    if head in WITH_LABELS:
        own.num_labels = outputs
    made = class_with(config, head)
    with torch.device("meta"), explained(partial(invalid, own.model_type, "gives no model")):
        model = made.from_config(own)
    return sum(p.numel() for p in head_of(model).values())
