"""autopelt: which parameter-efficient modules should sit where in a transformer, and how big.

`import autopelt` is light; torch and transformers are loaded with the first name that needs them.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopelt.api.search import search as search
    from autopelt.api.study import Study as Study
    from autopelt.api.study import open_study as open_study
    from autopelt.api.train import train as train
    from autopelt.architecture.architecture import Architecture as Architecture
    from autopelt.architecture.seeds import seed_architecture as seed_architecture
    from autopelt.backbones.description import register_family as register_family
    from autopelt.backbones.families import Family as Family
    from autopelt.backbones.families import Stack as Stack
    from autopelt.export import load_exported as load_exported
    from autopelt.methods.module import Module as Module
    from autopelt.modules.attachment import attach as attach
    from autopelt.modules.attachment import attached as attached
    from autopelt.modules.attachment import count_attached as count_attached
    from autopelt.modules.attachment import detach as detach
    from autopelt.modules.attachment import fold as fold
    from autopelt.modules.checkpoint import load as load
    from autopelt.modules.checkpoint import save as save
    from autopelt.modules.parameter_groups import parameter_groups as parameter_groups
    from autopelt.modules.registered import register_method as register_method
    from autopelt.modules.starts import input_directions as input_directions
    from autopelt.training.own_trial import Trial as Trial

__version__ = "0.1.0"

_HOMES = {
    **dict.fromkeys(("Study", "open_study"), "api.study"),
    "search": "api.search",
    "train": "api.train",
    "Architecture": "architecture.architecture",
    **dict.fromkeys(("Family", "Stack"), "backbones.families"),
    "Module": "methods.module",
    "register_family": "backbones.description",
    "seed_architecture": "architecture.seeds",
    **dict.fromkeys(
        ("attach", "attached", "count_attached", "detach", "fold"), "modules.attachment"
    ),
    "parameter_groups": "modules.parameter_groups",
    "input_directions": "modules.starts",
    "register_method": "modules.registered",
    **dict.fromkeys(("load", "save"), "modules.checkpoint"),
    "load_exported": "export",
    "Trial": "training.own_trial",
}
"""What users may call -> the module where it lives."""

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - names of _HOMES are strings


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        # With both, Python looks for the name that was meant.
        here = sys.modules[__name__]
        raise AttributeError(f"module 'autopelt' has no attribute '{name}'", name=name, obj=here)
    value = getattr(import_module(f"autopelt.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, *globals()]
