"""Put an architecture on a backbone, take it off, count it, save it, load it.

Modules are attached, never built into a copy of a model: hooks on named places, and one module
named
``autopelt`` on the model that holds all their parameters. `detach` gives the model back as it was,
bit for bit, so one warm backbone serves many architectures::

    model = AutoModelForSequenceClassification.from_pretrained(name)
    autopelt.attach(model, seed_architecture("lora-r8", shapes_of_model(model)), random_seed=0)
    ...                                  # your own loop, or transformers.Trainer
    autopelt.save(model, "folder")
    autopelt.detach(model)
"""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.backbones.backbone import Backbone
from autopelt.backbones.load import head_of
from autopelt.backbones.shapes import shapes_of_model
from autopelt.errors import UsageError
from autopelt.methods import METHODS, check
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes
from autopelt.modules import PELTS, Pelt
from autopelt.modules.gate import Gate, LayerMask

NAME = "autopelt"
"""Name of the one submodule that holds everything attached."""

HEAD_LEARNING_RATE = 3e-3
FULL_LEARNING_RATE = 5e-5


class Attachment(nn.Module):
    """All that is attached to one model.

    Attributes:
        architecture: what was asked for.
        shapes: the backbone's.
        parts: PELT modules and shared networks by name, such as ``3/attention/query/lora``.
    """

    def __init__(self, architecture: Architecture, shapes: Shapes) -> None:
        super().__init__()
        self.architecture = architecture
        self.shapes = shapes
        self.parts = nn.ModuleDict()
        self.frozen_before: dict[str, bool] = {}
        self.weights_before: dict[str, torch.Tensor] = {}

    def pelts(self) -> list[Pelt]:
        """The attached modules, in order of application."""
        return [part for part in self.parts.values() if isinstance(part, Pelt)]


def attach(
    model: PreTrainedModel,
    architecture: Architecture,
    *,
    random_seed: int = 0,
    folded: bool = False,
) -> None:
    """Attach an architecture; the backbone is frozen, the task head is left as it is.

    Args:
        model: any transformers model of a known family, with or without a task head.
        architecture: what to attach.
        random_seed: of the start. A module's start depends on it and on the module alone.
        folded: build prefixes and prompts flat, as they are shipped, without their networks.

    Raises:
        UsageError: something is attached already; an unknown family, method, place, layer or
            option.
    """
    now = attached(model)
    if now is not None:
        raise UsageError(f"the model carries architecture {now.id} already; detach it first.")
    backbone = Backbone(model)
    shapes = shapes_of_model(model)
    for module in architecture.modules:
        check(module, shapes)
    made = _build(backbone, architecture, shapes, random_seed, folded)
    base = backbone.base
    weight = next(base.parameters())
    made.to(device=weight.device, dtype=weight.dtype).train(model.training)
    frozen = frozen_parameters(model)
    made.frozen_before = {name: p.requires_grad for name, p in frozen.items()}
    if architecture.full:
        made.weights_before = {name: p.detach().clone() for name, p in frozen.items()}
    installed: list[Pelt] = []
    try:
        for pelt in made.pelts():
            installed.append(pelt)
            pelt.install(backbone)
    except Exception:
        for pelt in reversed(installed):
            pelt.remove()
        raise
    for parameter in frozen.values():
        parameter.requires_grad_(architecture.full)
    model.add_module(NAME, made)


def detach(model: PreTrainedModel) -> None:
    """Take off what is attached; the backbone is as it was before `attach`, bit for bit.

    The task head keeps what it has learned. Nothing happens where nothing is attached.
    """
    made = _attachment(model)
    if made is None:
        return
    for pelt in reversed(made.pelts()):
        pelt.remove()
    delattr(model, NAME)
    for name, parameter in frozen_parameters(model).items():
        if name in made.weights_before:
            with torch.no_grad():
                parameter.copy_(made.weights_before[name])
        parameter.requires_grad_(made.frozen_before[name])


def attached(model: nn.Module) -> Architecture | None:
    """The architecture on the model, or None."""
    made = _attachment(model)
    return None if made is None else made.architecture


def fold(model: PreTrainedModel) -> None:
    """Fold every reparametrisation network into the flat values it gives; nothing else changes."""
    _fold(attachment(model))


def _fold(made: Attachment) -> None:
    for pelt in made.pelts():
        pelt.fold()
    for name in [n for n, part in made.parts.items() if not isinstance(part, Pelt)]:
        del made.parts[name]


def count_attached(model: PreTrainedModel) -> Count:
    """Parameters of what is attached, counted on the modules themselves."""
    made = attachment(model)
    backbone = made.shapes.backbone_parameters
    base = backbone if made.architecture.full else 0
    return Count(
        trained=base + sum(p.numel() for p in made.parameters()),
        deployed=base + sum(pelt.deployed() for pelt in made.pelts()),
        backbone=backbone,
    )


def parameter_groups(model: PreTrainedModel, *, multiplier: float = 1.0) -> list[dict[str, Any]]:
    """Groups for an optimiser: each method with its own learning rate, the task head apart.

    Args:
        model: with an architecture attached.
        multiplier: factor on every learning rate, besides the architecture's own on its methods.

    Returns:
        ``{"name", "params", "lr"}`` each; ``name`` is a method's, a method's with `` network``
        (what reparametrises it), ``head`` or ``backbone`` (full fine-tuning).
    """
    made = attachment(model)
    own = multiplier * made.architecture.learning_rate_multiplier
    groups: dict[str, list[nn.Parameter]] = {}
    for name, part in made.parts.items():
        kind = _method_name(name, part) + ("" if isinstance(part, Pelt) else " network")
        groups.setdefault(kind, []).extend(part.parameters())
    rates: dict[str, float] = {}
    for name, method in METHODS.items():
        rates[name] = method.learning_rate
        rates[f"{name} network"] = method.network_learning_rate or method.learning_rate
    found = [
        {"name": name, "params": groups[name], "lr": rate * own}
        for name, rate in rates.items()
        if groups.get(name)
    ]
    if made.architecture.full:
        base = list(frozen_parameters(model).values())
        found.append({"name": "backbone", "params": base, "lr": FULL_LEARNING_RATE * own})
    head = [p for p in head_parameters(model).values() if p.requires_grad]
    if head:
        rate = (FULL_LEARNING_RATE if made.architecture.full else HEAD_LEARNING_RATE) * multiplier
        found.append({"name": "head", "params": head, "lr": rate})
    return found


def head_parameters(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """The task head's parameters by name; a language model has none, its head is pretrained."""
    return {name: p for name, p in head_of(model).items() if not name.startswith(f"{NAME}.")}


def frozen_parameters(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """The pretrained parameters by name: all that is neither attached nor task head."""
    head = head_of(model)
    return {
        name: p
        for name, p in model.named_parameters()
        if name not in head and not name.startswith(f"{NAME}.")
    }


# ---------------------------------------------------------------------- files


# ---------------------------------------------------------------------- building
def _build(
    backbone: Backbone, architecture: Architecture, shapes: Shapes, random_seed: int, folded: bool
) -> Attachment:
    made = Attachment(architecture, shapes)
    masks: dict[int, LayerMask] = {}
    for name, method in METHODS.items():
        group = [m for m in architecture.modules if m.method == name]
        shared = PELTS[name].networks(group, shapes, _Generators(random_seed))
        for key, network in shared.items():
            made.parts[key] = network
        for module in group:
            gate = _gate(backbone, module, method.gate_width(module, shapes), masks)
            generator = _generator(random_seed, f"{module.site}/{module.method}")
            pelt = PELTS[name].of(module, shapes, gate, shared, generator)
            made.parts[part_name(module)] = pelt
    if folded:
        _fold(made)
    for layer, mask in masks.items():
        made.parts[f"{layer}/mask"] = mask
    return made


def _gate(
    backbone: Backbone, module: Module, width: int, masks: dict[int, LayerMask]
) -> Gate | None:
    if module.gate is None:
        return None
    mode = module.gate
    if mode == "auto":
        mode = "token" if backbone.causal(module.layer) else "masked"
    mask = None
    if mode == "masked" and module.layer is not None:
        mask = masks.setdefault(module.layer, LayerMask(module.layer))
    projection = module.location in ("attention.query", "attention.key", "attention.value")
    return Gate(width, mode, mask, projection)


class _Generators(dict[str, torch.Generator]):
    """A generator for every name, from one random seed."""

    def __init__(self, random_seed: int) -> None:
        super().__init__()
        self.random_seed = random_seed

    def __missing__(self, name: str) -> torch.Generator:
        return _generator(self.random_seed, name)


def _generator(random_seed: int, name: str) -> torch.Generator:
    digest = hashlib.sha256(f"{random_seed}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def part_name(module: Module) -> str:
    """Name of a module's parameters: ``3/attention/query/lora``."""
    return f"{module.site.replace('.', '/')}/{module.method}"


def _method_name(name: str, part: nn.Module) -> str:
    return (
        name.split("/", 1)[0].removesuffix("_network")
        if not isinstance(part, Pelt)
        else (name.rsplit("/", 1)[1])
    )


def _attachment(model: nn.Module) -> Attachment | None:
    made = getattr(model, NAME, None)
    return made if isinstance(made, Attachment) else None


def attachment(model: nn.Module) -> Attachment:
    """What is attached to the model. Raises UsageError where nothing is."""
    made = _attachment(model)
    if made is None:
        raise UsageError("nothing is attached to the model; call attach first.")
    return made
