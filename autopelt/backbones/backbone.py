"""A backbone described: the places of its `Family` found in one model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import nn
from transformers import AutoModel, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from autopelt.backbones.families import Family, Stack
from autopelt.backbones.structure import family_for
from autopelt.errors import UsageError, did_you_mean

LINEAR = {
    "attention.query": "query",
    "attention.key": "key",
    "attention.value": "value",
    "attention.qkv": "qkv",
    "attention.output": "output",
    "ffn.in": "ffn_in",
    "ffn.gate": "ffn_gate",
    "ffn.out": "ffn_out",
}
"""Locations of linear maps and the `Stack` attributes with their paths."""

PLACES = {
    "attention": ("attention_out",),
    "attention.keys": ("attention",),
    "ffn": ("ffn_input", "ffn_output"),
    "ffn.sublayer": ("ffn_input", "ffn_output", "ffn_norm"),
}
"""Locations of sublayers and the `Stack` attributes that one needs.

Keys are in reach where the attention calls transformers' `AttentionInterface`.
"""

VECTORS = ("biases", "norms")
"""Locations of several vectors of one layer, whatever they are called."""

_SLICE = re.compile(r"(.+)\[(\d)/(\d)\]")


@dataclass(frozen=True)
class Linear:
    """A linear map, or outputs [start, start + out_features) of a fused one."""

    module: nn.Module
    in_features: int
    out_features: int
    start: int = 0


@dataclass(frozen=True)
class Vectors:
    """A module that has vectors, and the size of each by the name of its parameter."""

    module: nn.Module
    sizes: Mapping[str, int]


@dataclass(frozen=True)
class Branch:
    """A sublayer: where it begins and ends, and the norm behind the residual sum, if any."""

    input: nn.Module
    output: nn.Module
    norm: nn.Module | None


@dataclass(frozen=True)
class PromptPlace:
    """Where prompt rows enter: the host's inputs, or the output of `at`."""

    host: nn.Module
    at: nn.Module | None
    offset: int
    embeddings: nn.Module
    vocabulary: int

    @torch.no_grad()
    def start(self, token_ids: torch.Tensor) -> torch.Tensor:
        """The embeddings (n, d) of n token ids, as the rows will stand among them."""
        ids = token_ids.to(next(self.embeddings.parameters()).device)
        if self.at is None:
            rows: torch.Tensor = self.embeddings(ids)
            return rows
        was = self.embeddings.training
        self.embeddings.eval()
        try:
            rows = self.embeddings(input_ids=ids[None])
            return (rows if self.at is self.embeddings else self.at(rows))[0]
        finally:
            self.embeddings.train(was)


class Backbone:
    """The places of a loaded model (weights, or the meta device)."""

    def __init__(self, model: nn.Module) -> None:
        """
        Raises:
            UsageError: not a `transformers` model, or of an unknown family.
        """
        if not isinstance(model, PreTrainedModel):
            raise UsageError(
                f"a {type(model).__name__} is not a transformers model; autopelt attaches to "
                "transformers.PreTrainedModel."
            )
        self.model = model
        self.base: PreTrainedModel = backbone_of(model)
        self.model_type: str = model.config.model_type
        self.family: Family = family_for(self.base.config)
        self.layers: list[tuple[Stack, nn.Module]] = [
            (stack, layer)
            for stack in self.family.stacks
            for layer in _children(self.base, stack.layers)
        ]

    def has(self, layer: int, location: str) -> bool:
        """Whether a layer has a place."""
        stack, module = self.layers[layer]
        names = PLACES.get(location) or (LINEAR[location],)
        paths = [getattr(stack, name) for name in names]
        return all(path is not None and _find(module, _whole(path)) for path in paths)

    def require_all(self) -> None:
        """Check that every path of the family leads to a module of the right kind.

        Raises:
            UsageError: the first that does not.
        """
        for number, stack in enumerate(self.family.stacks):
            layers = [layer for own, layer in self.layers if own is stack]
            if not layers:
                raise _lies(f"stacks.{number}.layers", stack.layers, self.base, "list of layers")
            for field in fields(stack):
                path = getattr(stack, field.name)
                if not isinstance(path, str) or field.name == "layers":
                    continue
                found = [m for layer in layers if (m := _find(layer, _whole(path))) is not None]
                if not found:
                    raise _lies(f"stacks.{number}.{field.name}", path, layers[0], "module")
                if field.name in LINEAR.values():
                    _slice(path, _features(found[0])[1])
        host = _find(self.base, self.family.prompt_host)
        if host is None:
            raise _lies("prompt_host", self.family.prompt_host, self.base, "module")
        for name in ("embeddings", "prompt_at"):
            path = getattr(self.family, name)
            if path is not None and _find(host, path) is None:
                raise _lies(name, path, host, "module")

    def linear(self, layer: int, location: str) -> Linear:
        """The linear map at a location such as ``attention.query``."""
        stack, module = self.layers[layer]
        path: str | None = getattr(stack, LINEAR[location])
        found = _need(module, path and _whole(path))
        wide, out = _features(found)
        part, size = _slice(path or "", out)
        return Linear(found, wide, size, part * size)

    def vectors(self, layer: int, location: str) -> list[Vectors]:
        """All biases of a layer's linear maps and layer norms, or the parameters of its norms."""
        parts = self.layers[layer][1].modules()
        names = {part: _biases(part) if location == "biases" else _of_norm(part) for part in parts}
        return [
            Vectors(part, {name: part.get_parameter(name).numel() for name in own})
            for part, own in names.items()
            if own
        ]

    def branch(self, layer: int, location: str) -> Branch:
        """The sublayer at ``attention``, ``ffn`` or ``ffn.sublayer``."""
        stack, module = self.layers[layer]
        if location == "attention":
            end = _need(module, stack.attention_out)
            return Branch(end, end, norm=None)
        norm = stack.ffn_norm if location == "ffn" else None
        return Branch(
            _need(module, stack.ffn_input),
            _need(module, stack.ffn_output),
            None if norm is None else _need(module, norm),
        )

    def block(self, layer: int) -> nn.Module:
        """A whole layer; it gives hidden states, or a tuple that they come first in."""
        return self.layers[layer][1]

    def attention(self, layer: int) -> nn.Module:
        """The module that computes a layer's attention."""
        stack, module = self.layers[layer]
        return _need(module, stack.attention)

    def masked(self, layer: int) -> nn.Module:
        """What is called with the mask of a layer's tokens."""
        stack, module = self.layers[layer]
        return module if stack.attention is None else _need(module, stack.attention)

    def causal(self, layer: int | None) -> bool:
        """Whether tokens of the layer (None: of the prompt's stack) are blind to later ones."""
        stack = self.family.stacks[0] if layer is None else self.layers[layer][0]
        return stack.causal

    def prompt(self) -> PromptPlace:
        """Where prompt rows enter."""
        host = _need(self.base, self.family.prompt_host)
        at = self.family.prompt_at
        return PromptPlace(
            host,
            None if at is None else _need(host, at),
            self.family.prompt_offset,
            _need(host, self.family.embeddings),
            self.base.config.vocab_size,
        )


def backbone_of(model: PreTrainedModel) -> PreTrainedModel:
    """The backbone in a model with a task head, or the model; Llama 4 calls it by a wrong name."""
    base: Any = model.base_model
    if base is model:
        plain: Any = AutoModel._model_mapping.get(type(model.config), ())
        base = next((part for part in model.children() if isinstance(part, plain)), model)
    assert isinstance(base, PreTrainedModel)
    return base


def _find(module: nn.Module, path: str) -> nn.Module | None:
    """The submodule at a path of `families`, or None."""
    for alternative in path.split("|"):
        found: Any = module
        for name in alternative.split(".") if alternative else []:
            found = getattr(found, name, None)
        if isinstance(found, nn.Module):
            return found
    return None


def _slice(path: str, outputs: int) -> tuple[int, int]:
    """Which slice of a map's outputs a path means, and how many outputs that has."""
    match = _SLICE.fullmatch(path)
    if match is None:
        return 0, outputs
    part, parts = int(match[2]), int(match[3])
    if part >= parts or outputs % parts:
        raise UsageError(f"'{path}' is no slice of a map with {outputs} outputs.")
    return part, outputs // parts


def _lies(key: str, path: str, inside: nn.Module, what: str) -> UsageError:
    names = [name for name, _ in inside.named_modules() if name and name.count(".") < 2]
    shown = did_you_mean(path, names if len(names) <= 30 else [n for n in names if "." not in n])
    return UsageError(
        f"the backbone description names {key} '{path}', but a {type(inside).__name__} has no "
        f"such {what}: {shown}"
    )


def _whole(path: str) -> str:
    """The path of a fused map, without the slice."""
    match = _SLICE.fullmatch(path)
    return path if match is None else match[1]


def _need(module: nn.Module, path: str | None) -> nn.Module:
    found = None if path is None else _find(module, path)
    if found is None:
        raise UsageError(
            f"{type(module).__name__} has no module '{path}'; its description does not fit this "
            "version of transformers."
        )
    return found


def _children(base: nn.Module, path: str) -> list[nn.Module]:
    found = _find(base, path)
    return list(found.children()) if isinstance(found, nn.ModuleList) else []


def _biases(module: nn.Module) -> list[str]:
    """The bias, where what comes out is shifted by it."""
    shifted = isinstance(module, nn.Linear | Conv1D | nn.LayerNorm) and module.bias is not None
    return ["bias"] if shifted else []


def _of_norm(module: nn.Module) -> list[str]:
    """The parameters of a norm: there are as many classes of RMSNorm as families."""
    own = dict(module.named_parameters(recurse=False))
    norm = "norm" in type(module).__name__.lower() and all(p.dim() == 1 for p in own.values())
    return list(own) if norm else []


def _features(module: nn.Module) -> tuple[int, int]:
    """(in, out) features."""
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    if isinstance(module, Conv1D):
        return module.nx, module.nf
    raise UsageError(f"a {type(module).__name__} is not a linear map that LoRA can sit on.")
