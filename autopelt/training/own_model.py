"""A user's own model: where its backbone is, and a copy of it for every trial.

A copy shares the memory of what stays frozen, so a large model is not there twice. All else is its
own: the head, buffers, attributes, hooks, what is trained. So the user's object is never changed,
whatever a training does with the copy it is given.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import torch
from torch import nn
from transformers import AutoModel, PreTrainedModel

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.shapes import shapes_of_model
from autopelt.errors import UnavailableError, UsageError, parameter
from autopelt.modules.attachment import NAME, attach, attached, frozen_parameters, head_parameters
from autopelt.modules.checkpoint import load, read_tensors, save, write_tensors
from autopelt.training.fingerprint import named_fingerprint

REST = "rest.safetensors"
"""What is trained outside the backbone's modules and head, and buffers that changed."""


class OwnModel:
    """A model object of the user's, which is only read.

    Args:
        model: a transformers model, or a module that holds one.
        backbone: path of the transformers model in it (``encoder``); None: the only one there is.
        trainable: names or patterns (``encoder.pooler.*``) of frozen parameters that every trial
            trains as well.

    Attributes:
        shapes: of the backbone.
        head: parameters that train beside the modules, whatever the architecture.

    Raises:
        UsageError: no transformers model, several, something attached already, an unknown family,
            or a pattern that no parameter has.
    """

    def __init__(
        self, model: nn.Module, backbone: str | None = None, trainable: Sequence[str] = ()
    ) -> None:
        self.model, self.place = model, _place(model, backbone)
        inner = self.backbone(model)
        if attached(inner) is not None:
            raise UsageError(
                f"{parameter('model')} carries an architecture already; autopelt.detach it first."
            )
        self.shapes = shapes_of_model(inner)
        prefix = f"{self.place}." if self.place else ""
        frozen = {prefix + name: value for name, value in frozen_parameters(inner).items()}
        self.also = _matching(trainable, [name for name, _ in model.named_parameters()])
        self._frozen = {name: value for name, value in frozen.items() if name not in self.also}
        self.head = sum(
            value.numel()
            for name, value in model.named_parameters()
            if name in self.also or (name not in frozen and value.requires_grad)
        )

    @property
    def name(self) -> str:
        """Of its class."""
        return type(self.model).__name__

    @property
    def origin(self) -> str:
        """Where transformers loaded its backbone from, or the class of that."""
        inner = self.backbone(self.model)
        return inner.config.name_or_path or type(inner).__name__

    def backbone(self, model: nn.Module) -> PreTrainedModel:
        """The transformers model in the model or in a copy of it."""
        found = model.get_submodule(self.place)
        assert isinstance(found, PreTrainedModel)
        return found

    def weights(self) -> str:
        """A name for the numbers of what stays frozen."""
        return named_fingerprint(self._frozen.items())[:16]

    # ------------------------------------------------------------------ copies
    def copy(self, whole: bool = False) -> nn.Module:
        """A copy; its frozen weights are the user's own memory, except where `whole`."""
        shared = {} if whole else {id(value): _shared(value) for value in self._frozen.values()}
        try:
            return copy.deepcopy(self.model, shared)
        except Exception as error:
            raise UsageError(
                f"{parameter('model')}, a {self.name}, cannot be copied "
                f"({type(error).__name__}: {error}); keep what is in the way outside of it."
            ) from None

    def with_modules(self, architecture: Architecture, random_seed: int) -> nn.Module:
        """A copy with an architecture attached; that, the head and `also` are trainable."""
        made = self.copy(whole=architecture.full)
        # What starts at directions of its inputs begins at random: these are not known here.
        attach(self.backbone(made), architecture, random_seed=random_seed, directions={})
        for name, value in made.named_parameters():
            if name in self.also:
                value.requires_grad_(True)
        return made

    def written(self) -> dict[str, int]:
        """How often each frozen weight was written in place, by anybody."""
        return {name: value._version for name, value in self._frozen.items()}

    # ------------------------------------------------------------------ files
    def save(self, model: nn.Module, folder: Path) -> None:
        """Write all that a copy has learnt; `architecture.yaml` comes last."""
        inner = self.backbone(model)
        own = {id(value) for value in head_parameters(inner).values()}
        rest = {
            name: value.detach()
            for name, value in model.named_parameters()
            if value.requires_grad and id(value) not in own and f"{NAME}." not in name
        }
        now = attached(inner)
        if now is not None and now.full:  # all of the backbone is in the checkpoint then
            rest = {n: v for n, v in rest.items() if n not in self._frozen}
        before = dict(self.model.named_buffers())
        rest |= {
            name: value
            for name, value in model.named_buffers()
            if f"{NAME}." not in name and not _same(value, before.get(name))
        }
        folder.mkdir(parents=True, exist_ok=True)
        if rest:
            write_tensors(folder / REST, rest)
        save(inner, folder)

    def load(self, folder: Path) -> nn.Module:
        """A copy with what `save` wrote.

        Raises:
            UnavailableError: a file is missing or broken, or does not fit this model.
        """
        path = folder / "architecture.yaml"
        if not path.is_file():
            raise UnavailableError(f"'{folder}' holds no weights.")
        architecture = Architecture.from_file(path)
        made = self.copy(whole=architecture.full)
        load(self.backbone(made), folder)
        if not (folder / REST).is_file():
            return made
        targets = dict(made.named_parameters()) | dict(made.named_buffers())
        for name, value in read_tensors(folder / REST)[0].items():
            target = targets.get(name)
            if target is None or target.shape != value.shape:
                raise UnavailableError(
                    f"'{folder / REST}' has '{name}' of shape {tuple(value.shape)}, for which this "
                    f"{self.name} has no place; give the model that was searched."
                )
            with torch.no_grad():
                target.copy_(value)
        return made


def _place(model: nn.Module, named: str | None) -> str:
    """Path of the transformers model that modules are attached to."""
    if not isinstance(model, nn.Module):
        raise UsageError(
            f"{parameter('model')} is a {type(model).__name__}; give a torch.nn.Module that is, or "
            "holds, a transformers model."
        )
    parts = model.named_modules()
    inside = {name: part for name, part in parts if isinstance(part, PreTrainedModel)}
    if named is not None:
        if named not in inside:
            raise UsageError(
                f"{parameter('backbone', named)} is no transformers model in this "
                f"{type(model).__name__}; there are: {', '.join(map(repr, inside)) or 'none'}."
            )
        return named
    if isinstance(model, PreTrainedModel) and type(model.config) in AutoModel._model_mapping:
        return ""
    inside.pop("", None)
    outer = [n for n in inside if not any(n != o and n.startswith(f"{o}.") for o in inside)]
    if len(outer) != 1:
        what = f"holds several ({', '.join(outer)})" if outer else "holds none"
        way = (
            f"name one: {parameter('backbone', outer[0])}"
            if outer
            else ("build it around one, like transformers.AutoModel.from_pretrained(…)")
        )
        raise UsageError(
            f"{parameter('model')}, a {type(model).__name__}, is no transformers model of a known "
            f"family and {what}; {way}."
        )
    return outer[0]


def _matching(patterns: Sequence[str], names: Sequence[str]) -> set[str]:
    """Names that a pattern fits, or that lie in a module of that name."""
    if isinstance(patterns, str):
        patterns = [patterns]
    found: set[str] = set()
    for pattern in patterns:
        fitting = {n for n in names if fnmatch(n, pattern) or n.startswith(f"{pattern}.")}
        if not fitting:
            raise UsageError(
                f"{parameter('trainable', pattern)} names no parameter; they are called like "
                f"{', '.join(map(repr, names[-3:]))}."
            )
        found |= fitting
    return found


def _shared(value: nn.Parameter) -> nn.Parameter:
    """The same numbers in the same memory, frozen; flags and gradients are its own."""
    if type(value) is not nn.Parameter:  # quantised weights know how they are kept
        return value
    return nn.Parameter(value.detach(), requires_grad=False)


def _same(value: torch.Tensor, before: torch.Tensor | None) -> bool:
    if before is None or value.shape != before.shape:
        return False
    return torch.equal(value, before.to(value.device))
