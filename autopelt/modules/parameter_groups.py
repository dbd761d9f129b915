"""What an optimiser is given: each method's parameters with the method's own learning rate."""

from __future__ import annotations

from typing import Any

from torch import nn
from transformers import PreTrainedModel

from autopelt.methods import METHODS
from autopelt.methods.base import of_width
from autopelt.methods.shapes import Shapes
from autopelt.modules.attachment import attachment, frozen_parameters, head_parameters
from autopelt.modules.pelt import Pelt

HEAD_LEARNING_RATE = 3e-3
FULL_LEARNING_RATE = 5e-5


def full_rate(shapes: Shapes) -> float:
    """The learning rate of full fine-tuning on a backbone."""
    return FULL_LEARNING_RATE * of_width(shapes)


def head_rate(model: PreTrainedModel) -> float:
    """The learning rate of a task head on a backbone with an architecture attached."""
    modules = attachment(model)
    full, width = modules.architecture.full, of_width(modules.shapes)
    return full_rate(modules.shapes) if full else HEAD_LEARNING_RATE * width


def parameter_groups(model: PreTrainedModel, *, multiplier: float = 1.0) -> list[dict[str, Any]]:
    """Groups for an optimiser: each method with its own learning rate, the task head apart.

    Args:
        model: with an architecture attached.
        multiplier: factor on every learning rate, besides the architecture's own on its methods.

    Returns:
        ``{"name", "params", "lr"}`` each; ``name`` is a method's, a method's with `` network``
        (what reparametrises it), ``head`` or ``backbone`` (full fine-tuning).
    """
    modules = attachment(model)
    full = modules.architecture.full
    own = multiplier * modules.architecture.learning_rate_multiplier
    params: dict[str, list[nn.Parameter]] = {}
    for name, part in modules.parts.items():
        network = name.partition("/")[0].replace("_network", " network")
        kind = part.spec.method if isinstance(part, Pelt) else network
        params.setdefault(kind, []).extend(part.parameters())
    rates: dict[str, float] = {}
    for name, method in METHODS.items():
        rate = method.rate(modules.shapes)
        rates[name] = rate * own
        rates[f"{name} network"] = (method.network_learning_rate or rate) * own
    if full:
        params["backbone"] = list(frozen_parameters(model).values())
        rates["backbone"] = full_rate(modules.shapes) * own
    params["head"] = [p for p in head_parameters(model).values() if p.requires_grad]
    rates["head"] = head_rate(model) * multiplier
    return [
        {"name": name, "params": params[name], "lr": rate}
        for name, rate in rates.items()
        if params.get(name)
    ]
