"""An architecture that is still to be trained, as a configuration of peft.

What is exported once it is trained is `autopelt.export.peft_folder`; here is what others train with
peft from the start. Each method says how peft begins its modules (`Method.peft_start`), so that
they train as ours do. A module on a slice of a fused map is refused: peft would train the whole
map. Names are as short as they can be: ``q_proj`` where it is the same in all layers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from transformers import PretrainedConfig, PreTrainedModel

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.backbone import Backbone
from autopelt.backbones.head import HEADS
from autopelt.backbones.quiet import quiet
from autopelt.backbones.shapes import shapes_of_config
from autopelt.errors import UsageError, parameter
from autopelt.methods import method_of
from autopelt.methods.base import PeftStart
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes
from autopelt.modules.parameter_groups import full_rate
from autopelt.modules.peft_forms import is_whole, number, transposed

_PATTERNS = {"r": "rank_pattern", "lora_alpha": "alpha_pattern"}


@dataclass(frozen=True)
class PeftSettings:
    """What another program trains.

    Attributes:
        config: peft's class, as ``LoraConfig``; empty: all weights are trained.
        settings: its arguments.
        rate: learning rate of the method, before a study's factor.
        decays: whether weight decay draws to where ours does.
    """

    config: str
    settings: Mapping[str, Any]
    rate: float
    decays: bool = True

    @property
    def kind(self) -> str:
        """The class as other programs call it, in small letters."""
        return self.config.removesuffix("Config").lower()


def peft_settings(
    architecture: Architecture, config: PretrainedConfig, head: str, to: str
) -> PeftSettings:
    """How peft begins an architecture on a model.

    Args:
        head: a key of `autopelt.backbones.head.HEADS`.
        to: the format that it is for, for the errors.

    Raises:
        UsageError: names the module that peft cannot begin.
    """
    multiplier, shapes = architecture.learning_rate_multiplier, shapes_of_config(config)
    if architecture.full:
        return PeftSettings("", {}, full_rate(shapes) * multiplier)
    if not architecture.modules:
        raise UsageError(
            f"cannot export to {to}: no module is attached, so there is nothing to train; name "
            "another trial, as STUDY:12."
        )
    model = _without_weights(config, head)
    names = {id(module): name for name, module in model.named_modules()}
    backbone, starts = Backbone(model), dict[str, tuple[Module, PeftStart]]()
    shared: dict[str, Any] = {}
    for module in architecture.modules:
        start = method_of(module).peft_start(module)
        if isinstance(start, str):
            raise refused(to, module, start)
        assert module.layer is not None
        site = backbone.linear(module.layer, module.location)
        if not is_whole(site):
            why = "is on a part of a fused map, and peft would train the whole map"
            raise refused(to, module, why)
        name = names[id(site.module)]
        if name in starts:
            raise refused(to, module, "sits where another module sits, and peft takes one")
        more = {"fan_in_fan_out": True} if transposed(site.module) else {}
        _agree(to, starts, module, start, shared, more, shapes)
        starts[name] = (module, start)
        shared = {**start.shared, **more}
    return PeftSettings(
        next(iter(starts.values()))[1].config,
        {**_targets(starts, list(names.values())), **shared},
        method_of(architecture.modules[0]).rate(shapes) * multiplier,
        all(start.decays for _, start in starts.values()),
    )


def refused(to: str, module: Module, why: str) -> UsageError:
    """The error that names a module in the way."""
    return UsageError(
        f"cannot export to {to}: {module.method} at {module.site} {why}; {_INSTEAD[to]}"
    )


_INSTEAD = {
    "script": "autopelt train trains it.",
    "axolotl": f"{parameter('to', 'script')} (TRL) takes ranks and scales of any kind, and IA3.",
    "llama-factory": f"{parameter('to', 'axolotl')} and {parameter('to', 'script')} (TRL) can say "
    "ranks that differ.",
}
"""What works where a format does not."""


def _agree(
    to: str,
    starts: Mapping[str, tuple[Module, PeftStart]],
    module: Module,
    start: PeftStart,
    shared: Mapping[str, Any],
    more: Mapping[str, Any],
    shapes: Shapes,
) -> None:
    """Check that a module stands in one configuration with those before it."""
    for other, begun in list(starts.values())[:1]:
        rates = [method_of(m).rate(shapes) for m in (other, module)]
        same = begun.config == start.config and shared == {**start.shared, **more}
        if not same or rates[0] != rates[1]:
            why = f"is trained with other settings than {other.method} at {other.site}"
            raise refused(to, module, f"{why}, and peft has one for all")


def _targets(
    starts: Mapping[str, tuple[Module, PeftStart]], all_names: list[str]
) -> dict[str, Any]:
    """Targets, those whose input is scaled, and settings with their patterns."""
    known: dict[str, list[str]] = defaultdict(list)
    for name in all_names:
        known[name.rpartition(".")[2]].append(name)

    def short(wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Values by last names where all modules of that name have the same, else by full ones."""
        made: dict[str, Any] = {}
        for name, value in wanted.items():
            last = name.rpartition(".")[2]
            alike = all(wanted.get(other) == value for other in known[last])
            made[last if alike else name] = value
        return made

    config: dict[str, Any] = {"target_modules": sorted(short(dict.fromkeys(starts, 0)))}
    inputs = dict.fromkeys((n for n, (_, start) in starts.items() if start.scales_input), 0)
    own = {name: start.own for name, (_, start) in starts.items()}
    for key in next(iter(own.values())):
        values = {name: number(settings[key]) for name, settings in own.items()}
        usual = max(own.values(), key=lambda settings: settings["r"])[key]
        config[key] = number(usual)
        others = short({name: value for name, value in values.items() if value != config[key]})
        if others:
            config[_PATTERNS[key]] = dict(sorted(others.items()))
    if next(iter(starts.values()))[1].config == "IA3Config":
        config["feedforward_modules"] = sorted(short(inputs))
    return config


def _without_weights(config: PretrainedConfig, head: str) -> PreTrainedModel:
    """The model with its names, on the device without numbers."""
    with quiet(), torch.device("meta"):
        model: PreTrainedModel = getattr(transformers, HEADS[head]).from_config(config)
    return model
