"""A search space on one backbone under one budget: points are architectures, and have a price.

A point is an integer vector, one entry per dimension, each the index of a value. Vectors are
canonical: an entry that has no effect (the gate of an absent module, the switch of a layer that
holds nothing, a size whose layers are all switched off) is 0, so equal vectors and equal
architectures are the same thing. What concerns many points at once takes a matrix of shape
(points, dimensions) and is arithmetic on arrays; `autopelt.space.points` finds feasible ones.
"""

from collections.abc import Sequence

import numpy as np

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import perhaps_a_share
from autopelt.architecture.counter import ShapeCounter
from autopelt.errors import InfeasibleError, UsageError, command, parameter
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes
from autopelt.space.space import SearchSpace
from autopelt.space.tables import Matrix, PriceTables, Vector


class NotInSpaceError(UsageError):
    """The architecture cannot be written as a point of this space."""


class BoundSpace(PriceTables):
    """The architectures of `space` on a backbone, at most `limit` (at least `minimum`) parameters.

    Attributes:
        limit, minimum: bounds on deployed parameters; the rest as of `PriceTables`.

    Raises:
        UsageError: a row's method or location does not fit the backbone.
        InfeasibleError: the smallest architecture is over the budget.
    """

    def __init__(
        self,
        space: SearchSpace,
        shapes: Shapes,
        counter: ShapeCounter,
        limit: int,
        minimum: int = 0,
    ) -> None:
        super().__init__(space, shapes, counter)
        self.limit, self.minimum = limit, minimum
        if self.smallest > limit:
            raise InfeasibleError(
                f"the budget allows {limit:,} parameters{perhaps_a_share(limit)} but the smallest "
                f"architecture of space '{space.name}' has {self.smallest:,}; raise "
                f"{parameter('budget')} to at least {self.smallest} or take a smaller space "
                f"({command('list', 'spaces')})."
            )
        if minimum > limit:
            raise UsageError(
                f"{parameter('min_budget')} ({minimum:,}) is above {parameter('budget')} "
                f"({limit:,})."
            )

    # ------------------------------------------------------------------ architectures
    def decode(self, vector: Sequence[int]) -> Architecture:
        """The architecture of a point."""
        modules = []
        for i, places in self.places.items():
            row = self.row_of(i)
            size = row.sizes[vector[i]]
            gated = row.gate[vector[self.gates[i]] if i in self.gates else 0]
            variant = row.variants[self._variant(vector, i)]
            modules += [
                variant.module(row.method, at, layer, size, gated)
                for layer, switch in places
                if size > 0 and (switch is None or vector[switch])
                for at in row.location
            ]
        if self.multiplier is None:
            return Architecture(tuple(modules), self.space.rates[0])
        rates = self.dimensions[self.multiplier].values
        return Architecture(tuple(modules), rates[vector[self.multiplier]])

    def all_at_once(self) -> Architecture:
        """Every method in every place that the space has, as small as it offers; of any cost."""
        point = [0] * len(self.dimensions)
        for i, places in self.places.items():
            sizes = self.row_of(i).sizes
            point[i] = next((k for k, size in enumerate(sizes) if size > 0), 0)
            for _, switch in places:
                if switch is not None:
                    point[switch] = 1
        return self.decode(self.canonical(point))

    def encode(self, architecture: Architecture) -> Vector:
        """The point of an architecture.

        Raises:
            NotInSpaceError: the space cannot express it.
        """
        modules = {module.key: module for module in architecture.modules}
        vector = [0] * len(self.dimensions)
        found: dict[int, list[Module]] = {r: [] for r in range(len(self.space.modules))}

        def choices_at(i: int, layer: int | None) -> set[tuple[int, bool]]:
            """Sizes and gates that the row of dimension `i` has in a layer."""
            row = self.row_of(i)
            keys = ((-1 if layer is None else layer, at, row.method) for at in row.location)
            present = (modules.get(key) for key in keys)
            return {(m.size, m.gate is not None) if m else (0, False) for m in present}

        for i, places in self.places.items():
            for layer, switch in places:
                if switch is not None and choices_at(i, layer) != {(0, False)}:
                    vector[switch] = 1
        for i, places in self.places.items():
            row = self.row_of(i)
            live = [layer for layer, switch in places if switch is None or vector[switch]]
            choices = set().union(*(choices_at(i, layer) for layer in live))
            if not choices:
                continue
            size, gated = choices.pop() if len(choices) == 1 else (-1, False)
            if size not in row.sizes or (size > 0 and gated not in row.gate):
                raise self._not_in_space(architecture, f": row {row.name}")
            vector[i] = row.sizes.index(size)
            if size > 0:
                found[self.dimensions[i].row] += [
                    modules[key]
                    for layer in live
                    for at in row.location
                    if (key := (-1 if layer is None else layer, at, row.method)) in modules
                ]
            if i in self.gates and size > 0:
                vector[self.gates[i]] = row.gate.index(gated)
        for r, dimension in self.variants.items():
            fits = (all(map(v.makes, found[r])) for v in self.space.modules[r].variants)
            vector[dimension] = next((o for o, fit in enumerate(fits) if fit), 0)
        if self.multiplier is not None:
            multipliers = self.dimensions[self.multiplier].values
            if architecture.learning_rate_multiplier in multipliers:
                vector[self.multiplier] = multipliers.index(architecture.learning_rate_multiplier)
        point = self.canonical(vector)
        if self.decode(point) != architecture:
            raise self._not_in_space(architecture)
        return point

    def _variant(self, vector: Sequence[int], i: int) -> int:
        """Index of the variant of the row of dimension `i`."""
        row = self.dimensions[i].row
        return vector[self.variants[row]] if row in self.variants else 0

    def _not_in_space(self, architecture: Architecture, why: str = "") -> NotInSpaceError:
        name = self.space.name
        return NotInSpaceError(f"space '{name}' cannot express {architecture.describe()}{why}.")

    # ------------------------------------------------------------------ points
    def cost(self, vector: Sequence[int]) -> int:
        """Deployed parameters of a point."""
        return int(self.costs([tuple(vector)])[0])

    def feasible(self, vector: Sequence[int]) -> bool:
        """Within the budget, not below the minimum, and not empty."""
        return bool(self.all_feasible(np.array([tuple(vector)]))[0])

    def all_feasible(self, matrix: Matrix) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """`feasible` of each point; (N, D) -> (N,)."""
        costs = self.costs(matrix)
        return np.asarray((costs >= max(1, self.minimum)) & (costs <= self.limit))

    def canonical(self, vector: Sequence[int]) -> Vector:
        """The one vector that stands for the same architecture.

        Raises:
            UsageError: an index is out of range.
        """
        if len(vector) != len(self.dimensions):
            raise UsageError(
                f"got {len(vector)} choices, but the space has {len(self.dimensions)}."
            )
        for value, dimension in zip(vector, self.dimensions, strict=True):
            if not 0 <= value < len(dimension.values):
                raise UsageError(
                    f"choice {value} of {dimension.name} is out of range; it has "
                    f"{len(dimension.values)} values."
                )
        return tuple(self.all_canonical(np.array([tuple(vector)], dtype=np.int64))[0].tolist())

    def all_canonical(self, matrix: Matrix) -> Matrix:
        """`canonical` of each point, for indices known to be in range; (N, D) -> (N, D)."""
        points = matrix.copy()
        present = self.positive[np.arange(len(self.lengths)), points[:, self.size_dimensions]]
        if self.switches:
            acts = self.covers.astype(np.int64)
            on = points[:, self.switch_dimensions] * ((present.astype(np.int64) @ acts) > 0)
            points[:, self.switch_dimensions] = on
            reached = ((on @ acts.T) > 0) | ~self.switched
            points[:, self.size_dimensions] *= reached
            present &= reached
        gated = self.gate_dimensions >= 0
        points[:, self.gate_dimensions[gated]] *= present[:, gated]
        for r, dimension in self.variants.items():
            points[:, dimension] = self._first_equal(r, points, present)
        return points

    def _first_equal(
        self, r: int, points: Matrix, present: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    ) -> Matrix:
        """The first variant of row `r` that makes the same modules, for each point; (N,).

        At rank 8 the scales ``rank`` and ``sqrt`` are one; of an absent row all variants are.
        """
        own = [k for k, i in enumerate(self.size_dimensions) if self.dimensions[i].row == r]
        sizes = points[:, self.size_dimensions[own]]  # (N, Kr)
        same = self.equal_variants(r)  # (O, O, V)
        chosen = points[:, self.variants[r]]
        alike = same[chosen[:, None], :, sizes] | ~present[:, own][..., None]  # (N, Kr, O)
        return np.asarray(alike.all(axis=1).argmax(axis=1), dtype=np.int64)
