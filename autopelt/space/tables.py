"""What the choices of a space cost on one backbone: padded tables, counts, canonical points.

Everything that concerns many points takes a matrix of shape (points, dimensions) of indices and is
arithmetic on arrays.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autopelt.architecture.budget import Counter
from autopelt.errors import UsageError
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes
from autopelt.space.space import Row, SearchSpace

Vector = tuple[int, ...]
Matrix = NDArray[np.int64]

NEVER = 2**50
"""Price of an index beyond a dimension's list, in padded tables; sums of it do not overflow."""


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


class PriceTables:
    """What every choice of a space costs on one backbone, as padded arrays, and what follows of it.

    A point is priced, brought into canonical form and compared with the budget here; whole points
    and architectures are of `autopelt.space.bound`.

    Attributes:
        dimensions: one per entry of a vector.
        switches: layer -> dimension of its switch.
        gates: dimension of a size -> dimension of its gate.
        multiplier: dimension of the learning-rate multiplier, None where it is fixed.
        limit, minimum: bounds on deployed parameters.

    Raises:
        UsageError: a row's method or location does not fit the backbone.
    """

    def __init__(
        self, space: SearchSpace, shapes: Shapes, counter: Counter, limit: int, minimum: int = 0
    ) -> None:
        self.space, self.shapes, self.counter = space, shapes, counter
        self.limit, self.minimum = limit, minimum
        self.dimensions = tuple(_dimensions(space, shapes.layers))
        self.switches = {d.layer: i for i, d in enumerate(self.dimensions) if d.kind == "switch"}
        self.gates = {d.parent: i for i, d in enumerate(self.dimensions) if d.kind == "gate"}
        self.multiplier = next(
            (i for i, d in enumerate(self.dimensions) if d.kind == "multiplier"), None
        )
        # prices[i][layer position, size index, gate index]: parameters of one choice in one layer
        self._layers: dict[int, tuple[int | None, ...]] = {}
        self._prices: dict[int, NDArray[np.int64]] = {}
        for i, dimension in enumerate(self.dimensions):
            if dimension.kind != "size":
                continue
            row = space.modules[dimension.row]
            layers = row.layers_of(shapes.layers) if row.per == "model" else (dimension.layer,)
            self._layers[i] = layers
            self._prices[i] = np.array(
                [[_gate_prices(row, at, size, counter) for size in row.sizes] for at in layers],
                dtype=np.int64,
            )
        self._build_tables()

    def _build_tables(self) -> None:
        """Padded tables over the size dimensions (position k stands for `size_dimensions[k]`).

        Attributes:
            size_dimensions: (K,) dimension of each size.
            gate_dimensions: (K,) dimension of its gate, or -1.
            positive: (K, V) whether an index means a module.
            switched: (K,) whether the layer switches act on it.
            covers: (K, S) whether switch s acts on size k; False where nothing is switched.
            layer_prices: (K, S + 1, V, G) parameters; the last of S + 1 is what no switch acts on.
        """
        dimensions = list(self._prices)
        self.size_dimensions = np.array(dimensions, dtype=np.int64)
        self.gate_dimensions = np.array([self.gates.get(i, -1) for i in dimensions], dtype=np.int64)
        self.switch_dimensions = np.array(list(self.switches.values()), dtype=np.int64)
        column = {layer: s for s, layer in enumerate(self.switches)}
        most = max(p.shape[1] for p in self._prices.values())
        gates = max(p.shape[2] for p in self._prices.values())
        count = len(dimensions)
        self.positive = np.zeros((count, most), dtype=bool)
        self.switched = np.array([self._switched(i) for i in dimensions], dtype=bool)
        self.covers = np.zeros((count, len(column)), dtype=bool)
        self.lengths = np.array([p.shape[1] for p in self._prices.values()], dtype=np.int64)
        self.layer_prices = np.zeros((count, len(column) + 1, most, gates), dtype=np.int64)
        for k, (i, prices) in enumerate(self._prices.items()):
            sizes = self.dimensions[i].values
            self.positive[k, : len(sizes)] = np.array(sizes) > 0
            self.layer_prices[k, -1, len(sizes) :] = NEVER
            self.layer_prices[k, -1, :, prices.shape[2] :] = NEVER
            for layer, price in zip(self._layers[i], prices, strict=True):
                at = column[layer] if self.switched[k] else -1
                self.covers[k, at if at >= 0 else 0 : at + 1] = True
                self.layer_prices[k, at, : price.shape[0], : price.shape[1]] += price

    @cached_property
    def members(self) -> tuple[dict[int, Matrix], dict[int, Matrix]]:
        """Size dimensions by row of the space, and by layer."""
        by_row: dict[int, list[int]] = {}
        by_layer: dict[int, list[int]] = {}
        for i in self.size_dimensions.tolist():
            dimension = self.dimensions[i]
            by_row.setdefault(dimension.row, []).append(i)
            if dimension.layer is not None:
                by_layer.setdefault(dimension.layer, []).append(i)
        return (
            {row: np.array(found) for row, found in by_row.items()},
            {layer: np.array(found) for layer, found in by_layer.items()},
        )

    # ------------------------------------------------------------------ counting
    @cached_property
    def smallest(self) -> int:
        """Parameters of the smallest architecture that trains anything beside the head."""
        fixed = self.layer_prices[:, -1].min(axis=2)  # (K, V): the cheaper of the gates
        required = sum(
            int(fixed[k, 0])
            for k in range(len(fixed))
            if self.positive[k, 0] and not self.switched[k]
        )
        if required > 0:
            return required
        found = [
            int(fixed[k, 1 : self.lengths[k]].min())
            for k in range(len(fixed))
            if not self.switched[k] and self.lengths[k] > 1
        ]
        for s in range(self.covers.shape[1]):
            members = np.flatnonzero(self.covers[:, s])
            prices = {
                int(k): self.layer_prices[k, s, : self.lengths[k], : self._gate_count(int(k))].min(
                    axis=1
                )
                for k in members
            }
            needed = sum(int(p[0]) for k, p in prices.items() if self.positive[k, 0])
            optional = [int(p[1:].min()) for p in prices.values() if len(p) > 1]
            if needed or optional:
                found.append(needed or min(optional))
        return min(found, default=0)

    @cached_property
    def largest(self) -> int:
        """Parameters of the largest architecture, whatever the budget."""
        return sum(
            int(prices.reshape(len(prices), -1).max(axis=1).sum())
            for prices in self._prices.values()
        )

    @cached_property
    def size(self) -> int:
        """How many architectures the space holds, feasible or not; equal ones count once."""
        total = max(1, len(self.space.learning_rate_multiplier))
        choices = [  # of each size with its gate, where it is present
            int(self.positive[k].sum()) * self._gate_count(k) for k in range(len(self.lengths))
        ]
        optional = [not self.positive[k, 0] for k in range(len(self.lengths))]
        for k, count in enumerate(choices):
            if not self.switched[k]:
                total *= count + optional[k]
        shared = [k for k in range(len(choices)) if self.switched[k]]
        kinds: dict[tuple[bool, ...], int] = {}  # layers that the same rows act on are alike
        for s in range(self.covers.shape[1]):
            signature = tuple(bool(self.covers[k, s]) for k in shared)
            if any(signature):
                kinds[signature] = kinds.get(signature, 0) + 1
        combined = 0
        for lit in itertools.product((False, True), repeat=len(kinds)):
            on = [kind for kind, flag in zip(kinds, lit, strict=True) if flag]
            layers = math.prod(2 ** kinds[kind] - 1 for kind in on)
            reached = [any(kind[j] for kind in on) for j in range(len(shared))]
            for present in itertools.product((False, True), repeat=len(shared)):
                if any(p and not r for p, r in zip(present, reached, strict=True)):
                    continue
                if any(
                    r and not p and not optional[k]
                    for k, p, r in zip(shared, present, reached, strict=True)
                ):
                    continue
                if all(any(p and c for p, c in zip(present, kind, strict=True)) for kind in on):
                    combined += layers * math.prod(
                        choices[k] for k, p in zip(shared, present, strict=True) if p
                    )
        return total * max(1, combined)

    def _gate_count(self, k: int) -> int:
        gate = int(self.gate_dimensions[k])
        return 1 if gate < 0 else len(self.dimensions[gate].values)

    def _switched(self, i: int) -> bool:
        return bool(self.switches) and self.space.modules[self.dimensions[i].row].per == "model"

    def price_tables(self, matrix: Matrix) -> NDArray[np.int64]:
        """(N, K, V, G): parameters of every choice of every size, given each point's switches."""
        always = self.layer_prices[:, -1]
        if not self.switches:
            return np.broadcast_to(always, (len(matrix), *always.shape))
        on = matrix[:, self.switch_dimensions]
        added = np.tensordot(on, self.layer_prices[:, :-1], axes=([1], [1]))
        return np.asarray(always + added, dtype=np.int64)

    def costs(self, matrix: ArrayLike) -> NDArray[np.int64]:
        """Deployed parameters of each point; (N, D) -> (N,)."""
        points = np.asarray(matrix, dtype=np.int64)
        sizes = points[:, self.size_dimensions]
        gates = np.where(self.gate_dimensions >= 0, points[:, self.gate_dimensions], 0)
        k = np.arange(len(self.size_dimensions))
        total = self.layer_prices[k, -1, sizes, gates].sum(axis=1)
        for s, dimension in enumerate(self.switch_dimensions):
            total += points[:, dimension] * self.layer_prices[k, s, sizes, gates].sum(axis=1)
        return np.asarray(total, dtype=np.int64)

    def cost(self, vector: Sequence[int]) -> int:
        """Deployed parameters of a point."""
        return int(self.costs([tuple(vector)])[0])

    def feasible(self, vector: Sequence[int]) -> bool:
        """Within the budget, not below the minimum, and not empty."""
        return max(1, self.minimum) <= self.cost(vector) <= self.limit

    # ------------------------------------------------------------------ points
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
        return tuple(self.canonical_all(np.array([made], dtype=np.int64))[0].tolist())

    def canonical_all(self, matrix: Matrix) -> Matrix:
        """`canonical` of each point, for indices known to be in range; (N, D) -> (N, D)."""
        made = matrix.copy()
        k = np.arange(len(self.size_dimensions))
        present = self.positive[k, made[:, self.size_dimensions]]
        if self.switches:
            acts = self.covers.astype(np.int64)
            on = made[:, self.switch_dimensions] * ((present.astype(np.int64) @ acts) > 0)
            made[:, self.switch_dimensions] = on
            reached = ((on @ acts.T) > 0) | ~self.switched
            made[:, self.size_dimensions] *= reached
            present &= reached
        gated = self.gate_dimensions >= 0
        made[:, self.gate_dimensions[gated]] *= present[:, gated]
        return made


def _dimensions(space: SearchSpace, layers: int) -> Iterator[Dimension]:
    position = 0
    if space.layer_switch:
        for layer in range(layers):
            yield Dimension(f"{layer}/switch", "switch", (0, 1), layer=layer)
            position += 1
    for r, row in enumerate(space.modules):
        places = row.layers_of(layers) if row.per == "layer" else (None,)
        for at_layer in places:
            at = "+".join(row.location)
            name = f"{at}:{row.method}" if at_layer is None else f"{at_layer}/{at}:{row.method}"
            yield Dimension(name, "size", row.sizes, r, at_layer)
            if len(row.gate) > 1:
                yield Dimension(f"{name}:gate", "gate", row.gate, r, at_layer, position)
                position += 1
            position += 1
    if len(space.learning_rate_multiplier) > 1:
        yield Dimension("learning_rate_multiplier", "multiplier", space.learning_rate_multiplier)


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
