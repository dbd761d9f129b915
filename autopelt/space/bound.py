"""A search space on one backbone under one budget: vectors, architectures, feasible ones only.

A point is an integer vector, one entry per dimension, each the index of a value. Vectors are
canonical: an entry that has no effect (the gate of an absent module, the switch of a layer that
holds nothing, a size whose layers are all switched off) is 0, so equal vectors and equal
architectures are the same thing. What concerns many points at once takes a matrix of shape
(points, dimensions) and is arithmetic on arrays; `feasible_points` has the sampling and the moves.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Counter
from autopelt.errors import InfeasibleError, UsageError, parameter
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes
from autopelt.space import points as feasible_points
from autopelt.space.space import SearchSpace
from autopelt.space.tables import PriceTables, Vector


class NotInSpaceError(UsageError):
    """The architecture cannot be written as a point of this space."""


class BoundSpace(PriceTables):
    """The architectures of `space` on a backbone, at most `limit` (at least `minimum`) parameters.

    Attributes:
        dimensions: one per entry of a vector.
        switches: layer -> dimension of its switch.
        gates: dimension of a size -> dimension of its gate.
        multiplier: dimension of the learning-rate multiplier, None where it is fixed.

    Raises:
        UsageError: a row's method or location does not fit the backbone.
        InfeasibleError: the smallest architecture is over the budget.
    """

    def __init__(
        self, space: SearchSpace, shapes: Shapes, counter: Counter, limit: int, minimum: int = 0
    ) -> None:
        super().__init__(space, shapes, counter, limit, minimum)
        if self.smallest > limit:
            raise InfeasibleError(
                f"the budget allows {limit:,} parameters but the smallest architecture of space "
                f"'{space.name}' has {self.smallest:,}; raise {parameter('budget')} to at least "
                f"{self.smallest} or take a smaller space (autopelt list spaces)."
            )
        if minimum > limit:
            raise UsageError(
                f"{parameter('min_budget')} ({minimum:,}) is above {parameter('budget')} "
                f"({limit:,})."
            )

    def decode(self, vector: Sequence[int]) -> Architecture:
        """The architecture of a point."""
        modules = []
        for i, layers in self._layers.items():
            row = self.space.modules[self.dimensions[i].row]
            size = row.sizes[vector[i]]
            gate = self.gates.get(i)
            gated = row.gate[0 if gate is None else vector[gate]]
            for layer in layers:
                if size == 0 or (self._switched(i) and not vector[self.switches[layer]]):
                    continue
                modules += [
                    Module(row.method, at, layer, size, "auto" if gated else None)
                    for at in row.location
                ]
        multiplier = self.space.learning_rate_multiplier[0]
        if self.multiplier is not None:
            multiplier = self.dimensions[self.multiplier].values[vector[self.multiplier]]
        return Architecture(tuple(modules), multiplier)

    def encode(self, architecture: Architecture) -> Vector:
        """The point of an architecture.

        Raises:
            NotInSpaceError: the space cannot express it.
        """
        wanted = {module.key: module for module in architecture.modules}
        vector = [0] * len(self.dimensions)

        def at(i: int, layer: int | None) -> set[tuple[int, bool]]:
            row = self.space.modules[self.dimensions[i].row]
            keys = ((-1 if layer is None else layer, place, row.method) for place in row.location)
            found = (wanted.get(key) for key in keys)
            return {(m.size, m.gate is not None) if m else (0, False) for m in found}

        for i, layers in self._layers.items():
            if self._switched(i):
                for layer in layers:
                    if at(i, layer) != {(0, False)}:
                        vector[self.switches[layer]] = 1
        for i, layers in self._layers.items():
            row = self.space.modules[self.dimensions[i].row]
            live = [n for n in layers if not self._switched(i) or vector[self.switches[n]]]
            choices = set().union(*(at(i, layer) for layer in live))
            if not choices:
                continue
            size, gated = choices.pop() if len(choices) == 1 else (-1, False)
            if size not in row.sizes or (size > 0 and gated not in row.gate):
                raise NotInSpaceError(
                    f"space '{self.space.name}' cannot express {architecture.describe()}: "
                    f"row {row.name}."
                )
            vector[i] = row.sizes.index(size)
            if i in self.gates and size > 0:
                vector[self.gates[i]] = row.gate.index(gated)
        if self.multiplier is not None:
            values = self.dimensions[self.multiplier].values
            if architecture.learning_rate_multiplier in values:
                vector[self.multiplier] = values.index(architecture.learning_rate_multiplier)
        made = self.canonical(vector)
        if self.decode(made) != architecture:
            raise NotInSpaceError(
                f"space '{self.space.name}' cannot express {architecture.describe()}."
            )
        return made

    # ------------------------------------------------------------------ feasible points
    def sample(self, rng: np.random.Generator) -> Vector:
        """A feasible point whose parameter count is about log-uniform up to the budget.

        Raises:
            InfeasibleError: no feasible point turned up.
        """
        return tuple(feasible_points.sample(self, rng, 1)[0].tolist())

    def neighbours(self, vector: Sequence[int]) -> Iterator[Vector]:
        """Feasible points one small change away, each once, in a fixed order.

        One size up or down by one or two; a module off; a gate, switch or multiplier changed; two
        layers' modules of a row swapped; one step of size moved from one layer to another; a row
        scaled, gated or emptied in all its layers; a layer emptied.
        """
        for row in feasible_points.neighbours(self, self.canonical(vector)):
            yield tuple(row.tolist())
