"""A search space on one backbone under one budget: vectors, architectures, feasible ones only.

A point is an integer vector, one entry per dimension, each the index of a value. Vectors are
canonical: an entry that has no effect (the gate of an absent module, the switch of a layer that
holds nothing) is 0, so equal vectors and equal architectures are the same thing.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from autopelt.architecture import Architecture, Module
from autopelt.budget import Counter
from autopelt.errors import InfeasibleError, UsageError
from autopelt.shapes import Shapes
from autopelt.space import Row, SearchSpace

Vector = tuple[int, ...]


class NotInSpaceError(UsageError):
    """The architecture cannot be written as a point of this space."""


@dataclass(frozen=True)
class Dimension:
    """One choice.

    Attributes:
        name: parameter name in the Optuna study, such as ``3/ffn:lora`` or ``3/ffn:lora:gate``.
        kind: ``size``, ``gate``, ``switch`` (a whole layer) or ``multiplier``.
        values: what an index stands for.
        row: index of the space's row; -1 for switches and the multiplier.
        layer: layer index; None where the choice is for the whole model or the embeddings.
        parent: for a gate, the dimension of its size.
    """

    name: str
    kind: str
    values: tuple[float, ...]
    row: int = -1
    layer: int | None = None
    parent: int = -1


class BoundSpace:
    """The architectures of `space` on a backbone, at most `limit` (at least `minimum`) parameters.

    Raises:
        UsageError: a row's method or location does not fit the backbone.
        InfeasibleError: the smallest architecture is over the budget.
    """

    def __init__(
        self, space: SearchSpace, shapes: Shapes, counter: Counter, limit: int, minimum: int = 0
    ) -> None:
        self.space, self.shapes, self.limit, self.minimum = space, shapes, limit, minimum
        self.dimensions = tuple(_dimensions(space, shapes.layers))
        self.switches = {d.layer: i for i, d in enumerate(self.dimensions) if d.kind == "switch"}
        self.gates = {d.parent: i for i, d in enumerate(self.dimensions) if d.kind == "gate"}
        self.multiplier = next(
            (i for i, d in enumerate(self.dimensions) if d.kind == "multiplier"), None
        )
        # prices[i][layer position][size index][gate index]: parameters of one choice in one layer
        self._layers: dict[int, tuple[int | None, ...]] = {}
        self._prices: dict[int, NDArray[np.int64]] = {}
        for i, dimension in enumerate(self.dimensions):
            if dimension.kind != "size":
                continue
            row = space.modules[dimension.row]
            layers = (
                row.layers_of(shapes.layers) if row.per == "model" else (dimension.layer,)
            )
            self._layers[i] = layers
            self._prices[i] = np.array(
                [[_gate_prices(row, layer, size, counter) for size in row.sizes] for layer in layers],
                dtype=np.int64,
            )
        smallest = self.smallest
        if smallest > limit:
            raise InfeasibleError(
                f"the budget allows {limit:,} parameters but the smallest architecture of space "
                f"'{space.name}' has {smallest:,}; raise --budget to at least {smallest} "
                "or take a smaller space (autopelt list spaces)."
            )
        if minimum > limit:
            raise UsageError(f"--min-budget ({minimum:,}) is above --budget ({limit:,}).")

    # ------------------------------------------------------------------ counting
    @cached_property
    def smallest(self) -> int:
        """Parameters of the smallest architecture that trains anything beside the head."""
        required = 0
        cheapest: list[int] = []
        for i, prices in self._prices.items():
            row = self.space.modules[self.dimensions[i].row]
            allowed = prices[:, :, : len(row.gate)]
            if row.sizes[0] > 0:  # cannot be absent
                low = allowed[:, 0].min(axis=1)
                required += int(low.min() if self._switched(i) else low.sum())
            else:
                present = allowed[:, 1:].min(axis=(1, 2)) if len(row.sizes) > 1 else None
                if present is not None:
                    one = present.min() if self._switched(i) or row.per == "layer" else present.sum()
                    cheapest.append(int(one))
        return required if required > 0 else min(cheapest, default=0)

    @cached_property
    def size(self) -> int:
        """How many architectures the space holds, feasible or not (gates of absent modules once)."""
        total = max(1, len(self.space.learning_rate_multiplier))
        shared = 1
        for i in self._prices:
            row = self.space.modules[self.dimensions[i].row]
            choices = sum(1 if size == 0 else len(row.gate) for size in row.sizes)
            if self._switched(i):
                shared *= choices
            else:
                total *= choices
        if self.switches:
            total *= (shared - 1) * (2 ** len(self.switches) - 1) + 1
        return total

    def cost(self, vector: Sequence[int]) -> int:
        """Deployed parameters of a point."""
        return sum(self._part(i, vector) for i in self._prices)

    def feasible(self, vector: Sequence[int]) -> bool:
        """Within the budget, not below the minimum, and not empty."""
        cost = self.cost(vector)
        return max(1, self.minimum) <= cost <= self.limit

    def _switched(self, i: int) -> bool:
        return bool(self.switches) and self.space.modules[self.dimensions[i].row].per == "model"

    def _part(self, i: int, vector: Sequence[int]) -> int:
        gate = self.gates.get(i)
        prices = self._prices[i][:, vector[i], 0 if gate is None else vector[gate]]
        if self._switched(i):
            on = [bool(vector[self.switches[layer]]) for layer in self._layers[i]]
            return int(prices[on].sum())
        return int(prices.sum())

    # ------------------------------------------------------------------ vectors <-> architectures
    def canonical(self, vector: Sequence[int]) -> Vector:
        """The one vector that stands for the same architecture.

        Raises:
            UsageError: an index is out of range.
        """
        made = [int(v) for v in vector]
        if len(made) != len(self.dimensions):
            raise UsageError(f"got {len(made)} choices, but the space has {len(self.dimensions)}.")
        for value, dimension in zip(made, self.dimensions, strict=True):
            if not 0 <= value < len(dimension.values):
                raise UsageError(
                    f"choice {value} of {dimension.name} is out of range; it has "
                    f"{len(dimension.values)} values."
                )
        if self.switches:
            shared = [i for i in self._prices if self._switched(i)]
            sizes = [self.dimensions[i].values[made[i]] for i in shared]
            if not any(made[s] for s in self.switches.values()) or not any(sizes):
                for i in [*shared, *self.switches.values()]:
                    made[i] = 0
                if any(sizes):  # sizes that cannot be 0 keep their first value
                    pass
        for size, gate in self.gates.items():
            absent = self.dimensions[size].values[made[size]] == 0
            if absent or (self._switched(size) and not any(made[s] for s in self.switches.values())):
                made[gate] = 0
        return tuple(made)

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
        multiplier = 1.0
        if self.multiplier is not None:
            multiplier = self.dimensions[self.multiplier].values[vector[self.multiplier]]
        elif len(self.space.learning_rate_multiplier) == 1:
            multiplier = self.space.learning_rate_multiplier[0]
        return Architecture(tuple(modules), multiplier)

    def encode(self, architecture: Architecture) -> Vector:
        """The point of an architecture.

        Raises:
            NotInSpaceError: the space cannot express it.
        """
        wanted = {module.key: module for module in architecture.modules}
        vector = [0] * len(self.dimensions)
        for layer, i in self.switches.items():
            vector[i] = int(any(m.layer == layer for m in architecture.modules))
        for i, layers in self._layers.items():
            row = self.space.modules[self.dimensions[i].row]
            found = {
                (m.size, m.gate is not None) if m else (0, False)
                for layer in layers
                if not self._switched(i) or vector[self.switches[layer]]
                for m in (wanted.get((-1 if layer is None else layer, at, row.method)) for at in row.location)
            }
            size, gated = found.pop() if len(found) == 1 else (0, False) if not found else (-1, False)
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

        A target is drawn log-uniformly between the smallest architecture and the budget; choices in
        random order then take random values that still fit the target. Nothing is rejected for its
        size, so small and large architectures are equally likely.

        Raises:
            InfeasibleError: no feasible point turned up.
        """
        low = max(1, self.minimum, self.smallest)
        for _ in range(200):
            target = math.exp(rng.uniform(math.log(low), math.log(self.limit))) if low < self.limit else low
            vector = self._fill(rng, min(self.limit, max(low, round(target))))
            if self.feasible(vector):
                return vector
        raise InfeasibleError(
            f"no architecture of space '{self.space.name}' was found between {low:,} and "
            f"{self.limit:,} parameters; widen --budget or lower --min-budget."
        )

    def _fill(self, rng: np.random.Generator, target: int) -> Vector:
        vector = [0] * len(self.dimensions)
        active = rng.uniform(0.15, 1.0)  # how much of the space this point uses at all
        for i in self.switches.values():
            vector[i] = int(rng.random() < active)
        if self.switches and not any(vector[i] for i in self.switches.values()):
            vector[int(rng.choice(list(self.switches.values())))] = 1
        if self.multiplier is not None:
            vector[self.multiplier] = int(rng.integers(len(self.dimensions[self.multiplier].values)))
        for size, gate in self.gates.items():
            vector[gate] = int(rng.integers(len(self.dimensions[gate].values)))
            del size
        spent = self.cost(vector)
        order = [int(i) for i in rng.permutation(list(self._prices))]
        for everything in (False, True):  # a second round takes what the first left
            for i in order:
                if not everything and rng.random() > active:
                    continue
                now = self._part(i, vector)
                options = self._options(i, vector, spent - now, target)
                options = [v for v in options if v > vector[i]] or [vector[i]]
                vector[i] = options[int(rng.integers(len(options)))]
                spent += self._part(i, vector) - now
            if spent > 0.5 * target:
                break
        return self.canonical(vector)

    def _options(self, i: int, vector: list[int], others: int, target: int) -> list[int]:
        """Values of dimension i that keep the total at or under the target."""
        kept, options = vector[i], []
        for value in range(len(self.dimensions[i].values)):
            vector[i] = value
            if others + self._part(i, vector) > target:
                break
            options.append(value)
        vector[i] = kept
        return options

    def neighbours(self, vector: Sequence[int]) -> Iterator[Vector]:
        """Feasible points one small change away, each once, in a fixed order.

        One size up or down by one or two; a module off; a gate, switch or multiplier changed; two
        layers' sizes of a row swapped; one step of size moved from one layer to another; a row
        scaled in all its layers; a layer emptied.
        """
        start = self.canonical(vector)
        seen = {start}
        for raw in self._moves(list(start)):
            if any(not 0 <= v < len(d.values) for v, d in zip(raw, self.dimensions, strict=True)):
                continue
            made = self.canonical(raw)
            if made not in seen:
                seen.add(made)
                if self.feasible(made):
                    yield made

    def _moves(self, start: list[int]) -> Iterator[list[int]]:
        def changed(*pairs: tuple[int, int]) -> list[int]:
            made = list(start)
            for i, value in pairs:
                made[i] = value
            return made

        by_row: dict[int, list[int]] = {}
        by_layer: dict[int, list[int]] = {}
        for i, dimension in enumerate(self.dimensions):
            if dimension.kind == "size":
                by_row.setdefault(dimension.row, []).append(i)
                if dimension.layer is not None:
                    by_layer.setdefault(dimension.layer, []).append(i)
                for step in (-2, -1, 1, 2):
                    yield changed((i, start[i] + step))
                yield changed((i, 0))
            else:
                for value in range(len(dimension.values)):
                    yield changed((i, value))
        for members in by_row.values():
            for step in (-1, 1):
                yield changed(*((i, max(0, start[i] + step)) for i in members if start[i]))
            yield changed(*((i, 0) for i in members))
            for a in members:
                for b in members:
                    if a < b and start[a] != start[b]:
                        yield changed((a, start[b]), (b, start[a]))
                    if a != b and start[a] > 0:
                        yield changed((a, start[a] - 1), (b, start[b] + 1))
        for members in by_layer.values():
            yield changed(*((i, 0) for i in members))


def _dimensions(space: SearchSpace, layers: int) -> Iterator[Dimension]:
    position = 0
    if space.layer_switch:
        for layer in range(layers):
            yield Dimension(f"{layer}/switch", "switch", (0, 1), layer=layer)
            position += 1
    for r, row in enumerate(space.modules):
        for layer in row.layers_of(layers) if row.per == "layer" else (None,):
            at = "+".join(row.location)
            name = f"{at}:{row.method}" if layer is None else f"{layer}/{at}:{row.method}"
            yield Dimension(name, "size", row.sizes, r, layer)
            if len(row.gate) > 1:
                yield Dimension(f"{name}:gate", "gate", row.gate, r, layer, position)
                position += 1
            position += 1
    if len(space.learning_rate_multiplier) > 1:
        yield Dimension(
            "learning_rate_multiplier", "multiplier", space.learning_rate_multiplier
        )


def _gate_prices(row: Row, layer: int | None, size: int, counter: Counter) -> list[int]:
    if size == 0:
        return [0] * len(row.gate)
    return [
        sum(
            counter.deployed(Module(row.method, at, layer, size, "auto" if gated else None))
            for at in row.location
        )
        for gated in row.gate
    ]
