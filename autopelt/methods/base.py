"""What a method is: its facts and its closed-form parameter counts, without torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes


class Method(ABC):
    """A kind of module.

    Attributes:
        name: as written in an architecture.
        locations: where it may sit, where the backbone has such a place.
        options: which of ``gate``, ``alpha``, ``mlp`` it understands.
        learning_rate: its own default, before an architecture's multiplier.
        network_learning_rate: of a network that reparametrises it; None: the same.
    """

    name: ClassVar[str]
    locations: ClassVar[tuple[str, ...]]
    options: ClassVar[frozenset[str]]
    learning_rate: ClassVar[float]
    network_learning_rate: ClassVar[float | None] = None

    @abstractmethod
    def ungated(self, module: Module, shapes: Shapes) -> int:
        """Deployed parameters of one module without its gate."""

    def gate_width(self, module: Module, shapes: Shapes) -> int:
        """Width of the activations that the gate sees."""
        return shapes.hidden

    def deployed(self, module: Module, shapes: Shapes) -> int:
        """Deployed parameters of one module."""
        gate = 0 if module.gate is None else self.gate_width(module, shapes) + 1
        return self.ungated(module, shapes) + gate

    def trained(self, modules: Sequence[Module], shapes: Shapes) -> int:
        """Trained parameters of all modules of this method in one architecture."""
        return sum(self.deployed(module, shapes) for module in modules)


def linear_shape(module: Module, shapes: Shapes) -> tuple[int, int]:
    """(in, out) of the linear map at the module's location; layers may differ from one another."""
    return shapes.linear.get(module.site) or shapes.linear[module.location]


def bottleneck_parameters(width: int, size: int) -> int:
    """2dm + m + d, of U f(D x + b) + c with D (m, d), U (d, m)."""
    return 2 * width * size + size + width
