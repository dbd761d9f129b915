"""From an architecture to its torch modules, each with its gate and its randomness."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import nn

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.backbone import Backbone
from autopelt.methods import METHODS
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes
from autopelt.modules import PELTS
from autopelt.modules.base import Hooked
from autopelt.modules.gate import Gate, LayerMask
from autopelt.modules.pelt import Build, Pelt
from autopelt.modules.upkeep import Upkeep


class Attachment(nn.Module):
    """All that is attached to one model.

    Attributes:
        architecture: what was asked for.
        shapes: the backbone's.
        parts: PELT modules, shared networks and masks by name, such as ``3/attention/query/lora``.
    """

    def __init__(self, architecture: Architecture, shapes: Shapes) -> None:
        super().__init__()
        self.architecture = architecture
        self.shapes = shapes
        self.parts = nn.ModuleDict()
        self.frozen_before: dict[str, bool] = {}
        self.weights_before: dict[str, torch.Tensor] = {}

    def pelts(self) -> list[Hooked]:
        """All that has hooks, in order of application."""
        return [part for part in self.parts.values() if isinstance(part, Hooked)]

    def remove(self) -> None:
        """Take all hooks off."""
        for pelt in reversed(self.pelts()):
            pelt.remove()

    def fold(self) -> None:
        """Fold every reparametrisation network into the flat values it gives."""
        for pelt in self.pelts():
            pelt.fold()
        for name in [n for n, part in self.parts.items() if not isinstance(part, Hooked)]:
            del self.parts[name]

    def upkeep(self, steps: int) -> list[Upkeep]:
        """What the methods do beside the optimiser in a training of so many steps."""
        made = []
        for kind in PELTS.values():
            group = [p for p in self.parts.values() if isinstance(p, Pelt) and type(p) is kind]
            made.append(kind.upkeep(group, steps) if group else None)
        return [upkeep for upkeep in made if upkeep is not None]

    def shipped(self) -> tuple[Architecture, dict[str, torch.Tensor]]:
        """What remains to ship: an architecture, and the tensors that belong to it."""
        modules: list[Module] = []
        tensors: dict[str, torch.Tensor] = {}
        for name, part in self.parts.items():
            if isinstance(part, Pelt):
                module = part.as_shipped()
                if module is None:
                    continue
                modules.append(module)
                name = part_name(module)
            if isinstance(part, Hooked):
                tensors |= {f"{name}:{key}": value for key, value in part.shipped().items()}
        return self.architecture.with_modules(modules), tensors

    def deployed(self) -> int:
        """Parameters that remain to ship."""
        return sum(value.numel() for value in self.shipped()[1].values())


def build(
    backbone: Backbone,
    architecture: Architecture,
    shapes: Shapes,
    random_seed: int,
    directions: Mapping[str, torch.Tensor],
) -> Attachment:
    """The modules of an architecture, not yet hooked into the backbone."""
    modules = Attachment(architecture, shapes)
    masks: dict[int, LayerMask] = {}

    def generator(name: str) -> torch.Generator:
        digest = hashlib.sha256(f"{random_seed}/{name}".encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))

    for name, method in METHODS.items():
        group = [m for m in architecture.modules if m.method == name]
        networks = PELTS[name].networks(group, shapes, generator)
        modules.parts.update(networks)
        for module in group:
            gate = _gate(backbone, module, method.gate_width(module, shapes), masks)
            random = generator(f"{module.site}/{name}")
            modules.parts[part_name(module)] = PELTS[name](
                Build(module, shapes, gate, networks, random, directions)
            )
    for layer, mask in masks.items():
        modules.parts[f"{layer}/mask"] = mask
    return modules


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


def part_name(module: Module) -> str:
    """Name of a module's parameters: ``3/attention/query/lora``."""
    return f"{module.site.replace('.', '/')}/{module.method}"
