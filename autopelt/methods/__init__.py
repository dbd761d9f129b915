"""The methods, by name.

dora, lora, adalora, hira, miss, lokr, vera (all: linear_map);
layer_norm, bitfit (both: vectors), ia3;
sequential_adapter, parallel_adapter (both: bottleneck);
prefix, prompt, p_tuning;
loreft.

base: what a method must say; module: one placed module; shapes: what it needs to know of a
backbone; places: words for several linear maps; by_hand: hand-made architectures of one method;
own_file: methods of a user's own.

Adding a method is adding a file with a `Method` and naming it in `METHODS`, whose order is the
order in which modules at one place are applied: what changes a weight comes first, then what scales
and shifts what comes out of it, then what is added behind it.
All steps: docs/adding-a-method.md.
"""

from __future__ import annotations

from collections.abc import Iterable

from typing_extensions import override

from autopelt.errors import UsageError, did_you_mean
from autopelt.methods.adalora import AdaLora
from autopelt.methods.base import Method
from autopelt.methods.bitfit import BitFit
from autopelt.methods.dora import Dora
from autopelt.methods.hira import Hira
from autopelt.methods.ia3 import IA3
from autopelt.methods.layer_norm import LayerNorm
from autopelt.methods.lokr import Lokr
from autopelt.methods.lora import Lora
from autopelt.methods.loreft import LoReft
from autopelt.methods.miss import Miss
from autopelt.methods.module import OPTIONS, Module
from autopelt.methods.p_tuning import PTuning
from autopelt.methods.parallel_adapter import ParallelAdapter
from autopelt.methods.prefix import Prefix
from autopelt.methods.prompt import Prompt
from autopelt.methods.sequential_adapter import SequentialAdapter
from autopelt.methods.shapes import Shapes
from autopelt.methods.vera import Vera

__all__ = ["EVERYWHERE", "METHODS", "Method", "check", "fits", "in_order", "method_of", "named"]

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Dora(),
        Lora(),
        AdaLora(),
        Hira(),
        Miss(),
        Lokr(),
        Vera(),
        LayerNorm(),
        IA3(),
        BitFit(),
        SequentialAdapter(),
        ParallelAdapter(),
        Prefix(),
        Prompt(),
        PTuning(),
        LoReft(),
    )
}


EVERYWHERE = Lora.name
"""The method that goes wherever a backbone has a linear map."""


class _Unknown(Method):
    """What is said of a method that this version lacks, in a study or a file of another one."""

    size_word = "size"
    colour = "--muted"
    drawn = 1_000
    locations = ()
    usual_location = "ffn"
    options = frozenset()
    learning_rate = 0.0

    def __init__(self, name: str) -> None:
        self.name = self.short = name
        self.words = name.replace("_", " ")

    @override
    def ungated(self, module: Module, shapes: Shapes) -> int:
        raise UsageError(_unknown(module))


def named(name: str) -> Method:
    """The method of that name; for an unknown one, a method that has its name and no more."""
    return METHODS.get(name) or _Unknown(name)


def in_order(names: Iterable[str]) -> list[str]:
    """Names of methods, each once, in the order in which they are drawn."""
    return sorted(set(names), key=lambda name: (named(name).drawn, name))


def method_of(module: Module) -> Method:
    """The module's method. Raises UsageError for an unknown name."""
    method = METHODS.get(module.method)
    if method is None:
        raise UsageError(_unknown(module))
    return method


def _unknown(module: Module) -> str:
    hint = did_you_mean(module.method, METHODS)
    return f"unknown method '{module.method}' at {module.site}: {hint}"


def fits(method: Method, location: str, shapes: Shapes) -> bool:
    """Whether a method can sit at a location of a backbone."""
    return (
        location in method.locations
        and {location, *method.needs} <= set(shapes.locations)
        and f"{method.name}@{location}" not in shapes.unfit
    )


def check(module: Module, shapes: Shapes) -> Method:
    """The module's method, if the module can sit on this backbone.

    Raises:
        UsageError: unknown method; a location that the method or the backbone does not have; a
            layer that the backbone does not have; an option that the method does not understand.
    """
    method = method_of(module)
    where = f"{module.method} at {module.site}"
    allowed = [location for location in method.locations if fits(method, location, shapes)]
    if module.location not in allowed:
        lacks = [place for place in method.needs if place not in shapes.locations]
        if lacks and not allowed:
            raise UsageError(
                f"{where}: in a {shapes.family} backbone {' and '.join(lacks)} are out of reach."
            )
        hint = f": {did_you_mean(module.location, allowed)}" if allowed else ", nor any other."
        raise UsageError(
            f"{where}: a {shapes.family} backbone has no place '{module.location}' for this "
            f"method{hint}"
        )
    if module.layer is not None and module.layer >= shapes.layers:
        raise UsageError(
            f"{where}: the backbone has {shapes.layers} layers, so the highest is "
            f"{shapes.layers - 1}; layer {module.layer} does not exist."
        )
    if not method.size_word and module.size != 1:
        raise UsageError(
            f"{where} has size {module.size}, but {method.words} has no size: 1 where it is."
        )
    misfit = method.misfit(module, shapes)
    if misfit is not None:
        raise UsageError(f"{where} {misfit}.")
    for option in OPTIONS:
        if getattr(module, option) is not None and option not in method.options:
            known = ", ".join(sorted(method.options)) or "none"
            raise UsageError(f"{where} has no option '{option}'; {module.method} knows: {known}.")
    if module.gate is not None and module.alpha is not None:
        raise UsageError(
            f"{where} has alpha {module.alpha:g} and a gate, but the gate replaces alpha / rank; "
            "give one of the two."
        )
    why = method.cannot_sit(module, shapes)
    if why is not None:
        raise UsageError(f"{where} {why}.")
    return method
