"""autopelt: which parameter-efficient modules should sit where in a transformer, and how big.

`import autopelt` is light; torch and transformers are loaded with the first name that needs them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopelt.api import Study as Study
    from autopelt.api import open_study as open_study
    from autopelt.api import search as search
    from autopelt.api import train as train
    from autopelt.architecture import Architecture as Architecture
    from autopelt.architecture import Module as Module
    from autopelt.attach import attach as attach
    from autopelt.attach import attached as attached
    from autopelt.attach import count_attached as count_attached
    from autopelt.attach import detach as detach
    from autopelt.attach import fold as fold
    from autopelt.attach import load as load
    from autopelt.attach import parameter_groups as parameter_groups
    from autopelt.attach import save as save
    from autopelt.export import load_exported as load_exported
    from autopelt.seed_architectures import seed_architecture as seed_architecture

__version__ = "0.1.0"

_HOMES = {
    **dict.fromkeys(("Study", "open_study", "train"), "api"),
    "Architecture": "architecture",
    "Module": "architecture",
    "seed_architecture": "seed_architectures",
    **dict.fromkeys(
        ("attached", "count_attached", "detach", "fold", "load", "parameter_groups", "save"),
        "attach",
    ),
    "load_exported": "export",
}
_BOTH = {"attach": "attach", "search": "api"}
"""Functions that share their name with a module or package of ours -> where they live."""

__all__ = ["__version__", *_BOTH, *_HOMES]  # noqa: PLE0604 - names of _HOMES are strings


def __getattr__(name: str) -> Any:
    if name in _BOTH:
        # The import system binds the submodule to this name; users mean the function.
        value = getattr(import_module(f"autopelt.{_BOTH[name]}"), name)
    elif name in _HOMES:
        value = getattr(import_module(f"autopelt.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module 'autopelt' has no attribute '{name}'")
    globals()[name] = value
    return value
