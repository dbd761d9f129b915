"""Shapes of a backbone from its configuration: on the meta device, without weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel

from autopelt.backbones.backbone import LINEAR, PLACES, VECTORS, Backbone
from autopelt.backbones.description import described
from autopelt.backbones.families import Family
from autopelt.backbones.head import barest_head
from autopelt.backbones.quiet import explained, invalid
from autopelt.backbones.structure import backbone_values, family_for
from autopelt.errors import UnavailableError
from autopelt.methods.module import EMBEDDINGS, MOST_LAYERS
from autopelt.methods.shapes import Shapes
from autopelt.system.files import utf8_text

_READ_THE_STREAM = ("attention.query", "attention.qkv", "ffn.in")


def shapes_of_config(config: PretrainedConfig) -> Shapes:
    """The shapes of the backbone that a configuration describes.

    Raises:
        UsageError: nobody knows where its places are.
        UnavailableError: it has more layers than a model has.
    """
    layers = getattr(config, "num_hidden_layers", 0)
    if isinstance(layers, int) and layers > MOST_LAYERS:
        raise UnavailableError(
            f"the {config.model_type} config has {layers:,} layers, more than {MOST_LAYERS:,}."
        )
    family = family_for(config)
    text = backbone_values(config)
    return _shapes(family, config.model_type, text, described(config) is not None)


def shapes_from_file(path: str | Path) -> Shapes:
    """The shapes of the backbone that a bare ``config.json`` describes.

    Raises:
        UnavailableError: the file is not there or is no such file.
        UsageError: nobody knows where its places are.
    """
    return shapes_of_config(config_from_file(path))


def config_from_file(path: str | Path) -> PretrainedConfig:
    """Read a bare ``config.json``. Raises as `shapes_from_file`."""
    try:
        text = utf8_text(Path(path))
        values = json.loads(text, object_hook=_number)
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnavailableError(f"model config '{path}' cannot be read: {reason}.") from None
    if not isinstance(values, dict) or not isinstance(values.get("model_type"), str):
        raise UnavailableError(f"model config '{path}' is not one: it has no 'model_type'.")
    return _config(values)


def _number(values: dict[str, Any]) -> Any:
    """Numbers that JSON has not are written as ``{"__float__": "Infinity"}`` by transformers."""
    return float(values["__float__"]) if values.keys() == {"__float__"} else values


def shapes_of_model(model: PreTrainedModel) -> Shapes:
    """The shapes of the backbone of a loaded model.

    A model may have less than its configuration says (a T5 without its decoder); then it is the
    model that counts.
    """
    backbone = Backbone(model)
    config: PretrainedConfig = backbone.base.config
    shapes = shapes_of_config(config)
    return shapes if len(backbone.layers) == shapes.layers else describe(backbone.base)


def _config(values: dict[str, Any]) -> PretrainedConfig:
    values = dict(values)
    model_type = values.pop("model_type")
    with explained(partial(invalid, model_type, "is not valid")):
        return AutoConfig.for_model(model_type, **values)


@lru_cache(maxsize=64)
def _shapes(family: Family, model_type: str, values: str, strict: bool) -> Shapes:
    with explained(partial(invalid, model_type, "gives no model")), torch.device("meta"):
        model = AutoModel.from_config(_config(json.loads(values)), trust_remote_code=False)
    if strict:
        Backbone(model).require_all()
    if barest_head(model.config) != "none":
        del model.decoder
    return describe(model)


def describe(model: PreTrainedModel) -> Shapes:
    """Shapes read off a model; `model` is the backbone alone, without a task head."""
    backbone = Backbone(model)
    if not backbone.layers:
        raise UnavailableError(f"the {backbone.model_type} config has no layers.")
    every = range(len(backbone.layers))
    locations = [
        place for place in (*PLACES, *LINEAR) if all(backbone.has(layer, place) for layer in every)
    ]
    linear: dict[str, tuple[int, int]] = {}
    for layer in every:
        for location in LINEAR:
            if location not in locations:
                continue
            found = backbone.linear(layer, location)
            shape = (found.in_features, found.out_features)
            # The first layer speaks for all; a layer that differs is named.
            if linear.setdefault(location, shape) != shape:
                linear[f"{layer}/{location}"] = shape
    vectors: dict[str, int] = {}
    for location in VECTORS:
        sizes = [
            sum(sum(v.sizes.values()) for v in backbone.vectors(layer, location)) for layer in every
        ]
        if all(sizes):
            vectors[location] = sizes[0]
            vectors |= {f"{n}/{location}": size for n, size in enumerate(sizes) if size != sizes[0]}
    return Shapes(
        family=backbone.model_type,
        layers=len(backbone.layers),
        hidden=_hidden(model.config, linear),
        key_value=_key_value(linear),
        backbone_parameters=sum(
            p.numel() for name, p in model.named_parameters() if not name.startswith("autopelt.")
        ),
        linear=linear,
        locations=(
            *locations,
            "layer",
            *(location for location in VECTORS if location in vectors),
            *([] if backbone.family.embeddings is None else [EMBEDDINGS]),
        ),
        vectors=vectors,
        decoder=all(stack.causal for stack, _ in backbone.layers),
        unfit=backbone.family.unfit,
    )


def _hidden(config: PretrainedConfig, linear: Mapping[str, tuple[int, int]]) -> int:
    """The width of the residual stream, or what a map that reads it takes."""
    width = getattr(config, "hidden_size", None)
    if isinstance(width, int):
        return width
    read = [linear[at][0] for at in _READ_THE_STREAM if at in linear]
    if not read:
        raise UnavailableError(
            f"a {config.model_type} model has no linear map that reads its states, and its config "
            "has no 'hidden_size'; describe its places: docs/adding-a-family.md."
        )
    return read[0]


def _key_value(linear: Mapping[str, tuple[int, int]]) -> int:
    """The width of keys; in a fused map they and the values are what the queries leave."""
    if "attention.key" in linear:
        return linear["attention.key"][1]
    if "attention.qkv" in linear:
        return (linear["attention.qkv"][1] - linear["attention.output"][0]) // 2
    return 0
