"""What the choices of a space cost on one backbone, as padded arrays, and what follows of it."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autopelt.architecture.counter import ShapeCounter
from autopelt.methods.shapes import Shapes
from autopelt.space.fitting import on_backbone
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
        kind: ``size``, ``gate``, ``variant`` (of a row), ``switch`` (a whole layer) or
            ``multiplier``.
        values: what an index stands for.
        row: index of the space's row; -1 for switches and the multiplier.
        layer: layer index; None where the choice is for the whole model or the embeddings.
        parent: for a gate, the dimension of its size.
        labels: of a variant, its values in words.
    """

    name: str
    kind: str
    values: tuple[float, ...]
    row: int = -1
    layer: int | None = None
    parent: int = -1
    labels: tuple[str, ...] = ()


class PriceTables:
    """The choices of a space on one backbone, and what each of them costs.

    Position k of a table stands for `size_dimensions[k]`, column s for the s-th layer switch.

    Attributes:
        dimensions: one per entry of a vector.
        switches: layer -> dimension of its switch.
        gates: dimension of a size -> dimension of its gate.
        variants: index of a row -> dimension of its variant, where it has several.
        multiplier: dimension of the learning-rate multiplier, None where it is fixed.
        places: dimension of a size -> where it puts modules: a layer (None: the embeddings) and the
            dimension of the switch that acts there (None: always on).
        size_dimensions: (K,) dimension of each size.
        gate_dimensions, variant_dimensions: (K,) dimension of its gate and of its row's variant, or
            -1.
        switch_dimensions: (S,) dimension of each switch.
        lengths, gate_counts: (K,) how many values the size and its gate have.
        positive: (K, V) whether an index means a module.
        covers: (K, S) whether a switch acts on a size.
        switched: (K,) whether any switch does.
        layer_prices: (K, S + 1, V, G, O) parameters; the last of S + 1 is what no switch acts on,
            O are variants.

    Raises:
        UsageError: a row's method or location does not fit the backbone.
    """

    def __init__(self, space: SearchSpace, shapes: Shapes, counter: ShapeCounter) -> None:
        self.space, self.shapes, self.counter = on_backbone(space, shapes), shapes, counter
        self.dimensions = tuple(_dimensions(self.space, shapes.layers))
        of_kind: dict[str, list[int]] = {
            kind: [] for kind in ("size", "gate", "variant", "switch", "multiplier")
        }
        for i, dimension in enumerate(self.dimensions):
            of_kind[dimension.kind].append(i)
        self.switches = {self.dimensions[i].layer: i for i in of_kind["switch"]}
        self.gates = {self.dimensions[i].parent: i for i in of_kind["gate"]}
        self._equal: dict[int, NDArray[np.bool_]] = {}
        self.variants = {self.dimensions[i].row: i for i in of_kind["variant"]}
        self.multiplier = next(iter(of_kind["multiplier"]), None)
        self.size_dimensions = np.array(of_kind["size"], dtype=np.int64)
        self.switch_dimensions = np.array(of_kind["switch"], dtype=np.int64)
        self.gate_dimensions = np.array([self.gates.get(i, -1) for i in of_kind["size"]])
        self.variant_dimensions = np.array(
            [self.variants.get(self.dimensions[i].row, -1) for i in of_kind["size"]]
        )
        self.places: dict[int, tuple[tuple[int | None, int | None], ...]] = {}
        rows = [self.row_of(i) for i in of_kind["size"]]
        self.lengths = np.array([len(row.sizes) for row in rows])
        self.gate_counts = np.array([len(row.gate) for row in rows])
        table = (len(rows), int(self.lengths.max()))
        self.positive = np.zeros(table, dtype=bool)
        self.covers = np.zeros((len(rows), len(self.switches)), dtype=bool)
        self.layer_prices = np.zeros(
            (
                table[0],
                len(self.switches) + 1,
                table[1],
                int(self.gate_counts.max()),
                max(len(row.variants) for row in rows),
            ),
            np.int64,
        )
        column = {dimension: s for s, dimension in enumerate(of_kind["switch"])}
        for k, (i, row) in enumerate(zip(of_kind["size"], rows, strict=True)):
            if row.per == "model":
                layers = row.layers_of(shapes.layers)
                self.places[i] = tuple((layer, self.switches.get(layer)) for layer in layers)
            else:
                self.places[i] = ((self.dimensions[i].layer, None),)
            self.positive[k, : len(row.sizes)] = np.array(row.sizes) > 0
            self.layer_prices[k, :, len(row.sizes) :] = NEVER
            self.layer_prices[k, :, :, len(row.gate) :] = NEVER
            self.layer_prices[k, :, :, :, len(row.variants) :] = NEVER
            for layer, switch in self.places[i]:
                s = -1 if switch is None else column[switch]
                if switch is not None:
                    self.covers[k, s] = True
                here = self.layer_prices[k, s, : len(row.sizes), : len(row.gate)]
                here[..., : len(row.variants)] += _prices(row, layer, counter)
        self.switched = self.covers.any(axis=1)

    def row_of(self, i: int) -> Row:
        """The row of the space to which dimension `i` belongs."""
        return self.space.modules[self.dimensions[i].row]

    @cached_property
    def sizes_by_row(self) -> dict[int, Matrix]:
        """Size dimensions of each row of the space."""
        return self._sizes_by([self.dimensions[i].row for i in self.places])

    @cached_property
    def sizes_by_layer(self) -> dict[int, Matrix]:
        """Size dimensions of each layer, of rows that have one for each layer."""
        return self._sizes_by([self.dimensions[i].layer for i in self.places])

    @cached_property
    def rows_by_layer(self) -> tuple[Matrix, Matrix]:
        """Dimensions of sizes and of gates, of rows that have one for each of several layers.

        Two arrays (R, L) over the backbone's layers; -1 where a row has none.
        """
        rows = [row for row in self.sizes_by_row.values() if len(row) > 1]
        table = np.full((2, len(rows), max(1, self.shapes.layers)), -1)
        for r, row in enumerate(rows):
            for i in row.tolist():
                layer = self.dimensions[i].layer
                if layer is not None:
                    table[:, r, layer] = i, self.gates.get(i, -1)
        return table[0], table[1]

    def equal_variants(self, r: int) -> NDArray[np.bool_]:
        """(O, O, V): whether two variants of row `r` make the same module at a size."""
        if r not in self._equal:
            row = self.space.modules[r]
            made = [
                [(v.alpha_of(size) or size, v.start) for size in row.sizes] for v in row.variants
            ]
            self._equal[r] = np.array(
                [[[x == y for x, y in zip(a, b, strict=True)] for b in made] for a in made]
            )
        return self._equal[r]

    def _sizes_by(self, keys: list[int] | list[int | None]) -> dict[int, Matrix]:
        return {
            key: self.size_dimensions[[k == key for k in keys]]
            for key in dict.fromkeys(keys)
            if key is not None
        }

    # ------------------------------------------------------------------ counting
    def price_tables(self, matrix: Matrix) -> NDArray[np.int64]:
        """(N, K, V, G): parameters of every choice of every size, given all else of each point."""
        prices = self.layer_prices[None, :, -1]
        if self.switches:
            on = matrix[:, self.switch_dimensions]
            prices = prices + np.tensordot(on, self.layer_prices[:, :-1], axes=([1], [1]))
        chosen = self.variant_choices(matrix)[:, :, None, None, None]
        shape = (len(matrix), *self.layer_prices.shape[:1], *prices.shape[2:])
        prices = np.broadcast_to(prices, shape)
        return np.asarray(np.take_along_axis(prices, chosen, axis=4)[..., 0], dtype=np.int64)

    def variant_choices(self, matrix: Matrix) -> Matrix:
        """(N, K): index of the variant of each size's row, 0 where it has one only."""
        return np.where(self.variant_dimensions >= 0, matrix[:, self.variant_dimensions], 0)

    def gate_choices(self, matrix: Matrix) -> Matrix:
        """(N, K): index of each size's gate, 0 where it has none."""
        return np.where(self.gate_dimensions >= 0, matrix[:, self.gate_dimensions], 0)

    def costs(self, matrix: ArrayLike) -> NDArray[np.int64]:
        """Deployed parameters of each point; (N, D) -> (N,)."""
        points = np.asarray(matrix, dtype=np.int64)
        chosen = np.arange(len(self.lengths)), points[:, self.size_dimensions]
        more = self.gate_choices(points), self.variant_choices(points)
        total = self.layer_prices[chosen[0], -1, chosen[1], *more].sum(axis=1)
        for s, dimension in enumerate(self.switch_dimensions):
            added = self.layer_prices[chosen[0], s, chosen[1], *more].sum(axis=1)
            total += points[:, dimension] * added
        return np.asarray(total, dtype=np.int64)

    @cached_property
    def smallest(self) -> int:
        """Parameters of the smallest architecture that trains anything beside the head."""
        prices = self.layer_prices.min(axis=(3, 4))  # (K, S + 1, V): the cheapest of the rest
        required = self.positive[:, 0]
        if always := int(prices[required & ~self.switched, -1, 0].sum()):
            return always
        alone = [prices[~self.switched, -1, 1:].min(initial=NEVER)]
        for s, members in enumerate(self.covers.T):  # one layer that is switched on
            needed = prices[members & required, s, 0].sum()
            alone.append(needed or prices[members, s, 1:].min(initial=NEVER))
        least = int(min(alone))
        return least if least < NEVER else 0

    @cached_property
    def largest(self) -> int:
        """Parameters of the largest architecture, whatever the budget."""
        prices = np.where(self.layer_prices < NEVER, self.layer_prices, 0)
        return int(prices.max(axis=(2, 3, 4)).sum())

    @cached_property
    def size(self) -> int:
        """How many architectures the space holds, feasible or not.

        Equal ones count once, but for variants that differ at some sizes only.
        """
        required, shared = self.positive[:, 0], np.flatnonzero(self.switched)
        choices = [  # of each size with its gate, where it is present
            int(n) * int(g) for n, g in zip(self.positive.sum(axis=1), self.gate_counts)
        ]
        total = len(self.space.rates)
        rows = np.array([self.dimensions[i].row for i in self.size_dimensions])
        for row in dict.fromkeys(rows[~self.switched].tolist()):
            mine = np.flatnonzero((rows == row) & ~self.switched)
            absent = int(not required[mine].any())
            present = math.prod(choices[k] + int(not required[k]) for k in mine) - absent
            total *= present * len(self.space.modules[row].variants) + absent
        for k in shared:
            choices[k] *= len(self.space.modules[rows[k]].variants)
        combined = 0
        for chosen in itertools.product((False, True), repeat=len(shared)):
            present, absent = shared[np.array(chosen, bool)], shared[~np.array(chosen, bool)]
            # Switched on are layers that a present row acts on and no row that cannot be absent.
            usable = self.covers[present].any(axis=0) & ~self.covers[absent[required[absent]]].any(
                axis=0
            )
            for count in range(len(present) + 1):  # inclusion and exclusion: every row acts on some
                for idle in itertools.combinations(present.tolist(), count):
                    rest = int((usable & ~self.covers[list(idle)].any(axis=0)).sum())
                    combined += (-1) ** count * 2**rest * math.prod(choices[k] for k in present)
        return total * combined


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
        if len(row.variants) > 1:
            at, values = "+".join(row.location), tuple(range(len(row.variants)))
            labels = tuple(variant.label for variant in row.variants)
            yield Dimension(f"{at}:{row.method}:variant", "variant", values, r, labels=labels)
            position += 1
    if len(space.rates) > 1:
        yield Dimension("learning_rate_multiplier", "multiplier", space.rates)


def _prices(row: Row, layer: int | None, counter: ShapeCounter) -> Matrix:
    """(V, G, O) parameters of a row's modules in one layer."""
    prices = np.zeros((len(row.sizes), len(row.gate), len(row.variants)), dtype=np.int64)
    for v, g, o in np.ndindex(*prices.shape):
        for at in row.location if row.sizes[v] > 0 else ():
            module = row.variants[o].module(row.method, at, layer, row.sizes[v], row.gate[g])
            prices[v, g, o] += counter.deployed(module)
    return prices
