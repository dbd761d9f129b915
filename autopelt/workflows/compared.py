"""What is compared: methods by the names that a user gives them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Budget, Count
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import shrink
from autopelt.backbones.load import load_config
from autopelt.backbones.shapes import shapes_of_config
from autopelt.backbones.source import resolve
from autopelt.errors import AutopeltError, InfeasibleError, UsageError, parameter
from autopelt.study.config import StudyConfig
from autopelt.study.lookup import find_architecture
from autopelt.training.spec import Setup


@dataclass(frozen=True)
class Method:
    """One row to be: an architecture on a backbone, under the name that the user gave it."""

    name: str
    architecture: Architecture
    count: Count
    setup: Setup

    @property
    def key(self) -> str:
        """Identifies its trainings in the ledger."""
        return f"{self.architecture.id}@{self.setup.model}"


def find_methods(names: Sequence[str], config: StudyConfig, budget: Budget | None) -> list[Method]:
    """What the names mean: ``NAME``, ``NAME~`` (shrunk to the budget), ``NAME@MODEL``.

    ``NAME`` is a seed architecture, a file, ``STUDY``, ``STUDY:best`` or ``STUDY:TRIAL``.

    Args:
        budget: the budget, or None for none. ``full`` is a reference and may exceed it.

    Raises:
        UsageError: an unknown name, or an architecture that the model cannot carry.
        InfeasibleError: methods over the budget, all of them named.
    """
    if not names:
        raise UsageError(f"{parameter('methods')} is empty; give names like unipelt,lora-r8,full.")
    own = Setup.of(config)
    made: list[Method] = []
    over: list[str] = []
    for text in names:
        name, _, model = text.partition("@")
        setup = replace(own, model=_model(model)) if model else own
        shapes = shapes_of_config(load_config(resolve(setup.model)))
        counter = ShapeCounter(shapes)
        limit = math.inf
        if budget is not None:
            limit = budget.limit(shapes.backbone_parameters)
        try:
            architecture = find_architecture(name.removesuffix("~"), shapes).architecture
            count = counter.count(architecture)
        except AutopeltError as error:
            raise UsageError(f"method '{text}': {error.marked}") from None
        if name.endswith("~"):
            if budget is None:
                raise UsageError(
                    f"method '{text}' is to be shrunk, but there is no {parameter('budget')}."
                )
            small = shrink(architecture, counter, int(limit))
            if small is None:
                raise InfeasibleError(f"nothing of '{text}' fits the budget of {budget}.")
            architecture, count = small, counter.count(small)
        if count.deployed > limit and not architecture.full:
            over.append(f"{text} ({count.deployed:,})")
        made.append(Method(text, architecture, count, setup))
    if over:
        raise InfeasibleError(
            f"over the budget of {budget}: {', '.join(over)}; shrink one with NAME~, or leave "
            f"out {parameter('budget')}."
        )
    unique = {m.key: m for m in reversed(made)}
    return [m for m in made if unique[m.key] is m]


def _model(name: str) -> str:
    return str(Path(name).resolve()) if Path(name).is_dir() else name
