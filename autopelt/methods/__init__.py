"""The methods, by name, and the closed-form parameter count of an architecture.

Adding a method is adding a file with a `Method` and naming it in `METHODS`; its order there is the
order in which modules at one place are applied: LoRA belongs to the linear map, so it comes first.
"""

from __future__ import annotations

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.architecture.module import EMBEDDINGS, Module
from autopelt.architecture.shapes import Shapes
from autopelt.errors import UsageError, did_you_mean
from autopelt.methods.base import Method, Pelt, Sites
from autopelt.methods.lora import Lora
from autopelt.methods.p_tuning import PTuning
from autopelt.methods.parallel_adapter import ParallelAdapter
from autopelt.methods.prefix import Prefix
from autopelt.methods.prompt import Prompt
from autopelt.methods.sequential_adapter import SequentialAdapter

__all__ = ["METHODS", "Method", "Pelt", "ShapeCounter", "Sites", "check", "method_of"]

METHODS: dict[str, Method] = {
    method.name: method
    for method in (Lora(), SequentialAdapter(), ParallelAdapter(), Prefix(), Prompt(), PTuning())
}


def method_of(module: Module) -> Method:
    """The module's method. Raises UsageError for an unknown name."""
    method = METHODS.get(module.method)
    if method is None:
        raise UsageError(
            f"unknown method '{module.method}' at {module.site}: "
            f"{did_you_mean(module.method, METHODS)}"
        )
    return method


def check(module: Module, shapes: Shapes) -> Method:
    """The module's method, if the module can sit on this backbone.

    Raises:
        UsageError: unknown method; a location that the method or the backbone does not have; a
            layer that the backbone does not have; an option that the method does not understand.
    """
    method = method_of(module)
    where = f"{module.method} at {module.site}"
    allowed = [loc for loc in method.locations if loc == EMBEDDINGS or loc in shapes.locations]
    if module.location not in allowed:
        raise UsageError(
            f"{where}: a {shapes.family} backbone has no place '{module.location}' for this "
            f"method: {did_you_mean(module.location, allowed)}"
        )
    if module.layer is not None and module.layer >= shapes.layers:
        raise UsageError(
            f"{where}: the backbone has {shapes.layers} layers, so the highest is "
            f"{shapes.layers - 1}; layer {module.layer} does not exist."
        )
    for option in ("gate", "alpha", "mlp"):
        if getattr(module, option) is not None and option not in method.options:
            known = ", ".join(sorted(method.options)) or "none"
            raise UsageError(f"{where} has no option '{option}'; {module.method} knows: {known}.")
    if module.gate is not None and module.alpha is not None:
        raise UsageError(
            f"{where} has alpha {module.alpha:g} and a gate, but the gate replaces alpha / rank; "
            "give one of the two."
        )
    return method


class ShapeCounter:
    """Counts parameters from shapes alone; implements `autopelt.architecture.budget.Counter`."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes

    def deployed(self, module: Module) -> int:
        """Parameters of one module as shipped. Raises UsageError as `check` does."""
        return check(module, self.shapes).deployed(module, self.shapes)

    def count(self, architecture: Architecture) -> Count:
        """Trained, deployed and backbone parameters. Raises UsageError as `check` does."""
        backbone = self.shapes.backbone_parameters
        by_method: dict[str, list[Module]] = {}
        deployed = 0
        for module in architecture.modules:
            deployed += self.deployed(module)
            by_method.setdefault(module.method, []).append(module)
        trained = sum(
            METHODS[name].trained(group, self.shapes) for name, group in by_method.items()
        )
        base = backbone if architecture.full else 0
        return Count(trained=base + trained, deployed=base + deployed, backbone=backbone)
