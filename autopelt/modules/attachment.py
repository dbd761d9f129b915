"""Put an architecture on a backbone, take it off, count it.

Modules are attached, never built into a copy of a model: hooks on named places, and one module
named ``autopelt`` on the model that holds all their parameters. `detach` gives the model back as it
was, bit for bit, so one warm backbone serves many architectures::

    model = AutoModelForSequenceClassification.from_pretrained(name)
    autopelt.attach(model, seed_architecture("lora-r8", shapes_of_model(model)), random_seed=0)
    ...                                  # your own loop, or transformers.Trainer
    autopelt.save(model, "folder")
    autopelt.detach(model)
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from transformers import PreTrainedModel

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.backbones.backbone import Backbone
from autopelt.backbones.head import head_of
from autopelt.backbones.quantised import kept_as
from autopelt.backbones.shapes import shapes_of_model
from autopelt.errors import UsageError, parameter
from autopelt.methods import check
from autopelt.methods.module import EVA
from autopelt.modules.building import Attachment, build
from autopelt.modules.starts import wanting

NAME = "autopelt"
"""Name of the one submodule that holds everything attached."""


def attach(
    model: PreTrainedModel,
    architecture: Architecture,
    *,
    random_seed: int = 0,
    folded: bool = False,
    directions: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """Attach an architecture; the backbone is frozen, the task head is left as it is.

    Args:
        model: any transformers model of a known family, with or without a task head.
        architecture: what to attach.
        random_seed: of the start. A module's start depends on it and on the module alone.
        folded: build modules as they are shipped: prefixes and prompts flat, without networks.
        directions: what modules of start ``eva`` begin at, from `input_directions`; a site that is
            not among them begins at random.

    Raises:
        UsageError: something is attached already; an unknown family, method, place, layer or
            option; a start that needs directions, and none are given.
    """
    now = attached(model)
    if now is not None:
        raise UsageError(f"the model carries architecture {now.id} already; detach it first.")
    kept = kept_as(model)
    rounded = kept != "fp32"
    if rounded and architecture.full:
        raise UsageError(
            f"full trains every weight, but with {parameter('precision', kept)} they are rounded "
            f"ones; use {parameter('precision', 'auto')}."
        )
    backbone = Backbone(model)
    shapes = shapes_of_model(model)
    architecture = architecture.on(shapes)
    for module in architecture.modules:
        check(module, shapes)
    if directions is None and not folded and (lacking := wanting(architecture)):
        raise UsageError(
            f"{lacking[0].method} at {lacking[0].site} starts at directions of its inputs ({EVA}): "
            "give them, directions=autopelt.input_directions(model, architecture, batches)."
        )
    modules = build(backbone, architecture, shapes, random_seed, directions or {})
    if folded:
        modules.fold()
    base = backbone.base
    weight = next(base.parameters())
    dtype = torch.float32 if rounded else weight.dtype  # what is trained is never rounded
    modules.to(device=weight.device, dtype=dtype).train(model.training)
    frozen = frozen_parameters(model)
    modules.frozen_before = {name: p.requires_grad for name, p in frozen.items()}
    if architecture.full:
        modules.weights_before = {name: p.detach().clone() for name, p in frozen.items()}
    try:
        for pelt in modules.pelts():
            pelt.install(backbone)
    except Exception:
        modules.remove()
        raise
    for value in frozen.values():
        value.requires_grad_(architecture.full)
    model.add_module(NAME, modules)


def detach(model: PreTrainedModel) -> None:
    """Take off what is attached; the backbone is as it was before `attach`, bit for bit.

    The task head keeps what it has learned. Nothing happens where nothing is attached.
    """
    modules = _attachment(model)
    if modules is None:
        return
    modules.remove()
    delattr(model, NAME)
    for name, value in frozen_parameters(model).items():
        if name in modules.weights_before:
            with torch.no_grad():
                value.copy_(modules.weights_before[name])
        value.requires_grad_(modules.frozen_before[name])


def attached(model: nn.Module) -> Architecture | None:
    """The architecture on the model, or None."""
    modules = _attachment(model)
    return None if modules is None else modules.architecture


def fold(model: PreTrainedModel) -> None:
    """Fold every reparametrisation network into the flat values it gives; nothing else changes."""
    attachment(model).fold()


def count_attached(model: PreTrainedModel) -> Count:
    """Parameters of what is attached, counted on the modules themselves."""
    modules = attachment(model)
    backbone = modules.shapes.backbone_parameters
    base = backbone if modules.architecture.full else 0
    return Count(
        trained=base + sum(p.numel() for p in modules.parameters()),
        deployed=base + modules.deployed(),
        backbone=backbone,
    )


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


def _attachment(model: nn.Module) -> Attachment | None:
    modules = getattr(model, NAME, None)
    return modules if isinstance(modules, Attachment) else None


def attachment(model: nn.Module) -> Attachment:
    """What is attached to the model. Raises UsageError where nothing is."""
    modules = _attachment(model)
    if modules is None:
        raise UsageError("nothing is attached to the model; call attach first.")
    return modules
