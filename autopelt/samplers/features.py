"""What the surrogate sees of an architecture: groups of numbers with the structure of a network.

Every size is put on a logarithmic scale and divided by its row's largest, s = log2(1 + size) /
log2(1 + largest). The groups, each of which gets one length scale of the structured kernel:

==============  ================================================================================
``profile R``   sizes of row R over the layers
``smooth R``    the same, smoothed over depth by a squared-exponential of 2.5 layers (of 12)
``size R``      for a row that all layers share: its largest size
``gates``       +1 gated, -1 not, 0 absent, smoothed over depth, all rows
``variants``    each scale and start that a row offers, 1 where it has that one
``embeddings``  sizes and gates of rows at the embeddings
``layers``      how much of anything sits in each layer
``total``       log10 of all deployed parameters
``multiplier``  log2 of the learning-rate multiplier
``outside``     per layer, modules that the space does not know (of hand-made architectures)
==============  ================================================================================

Each group is centred and scaled so that two random architectures lie 1 apart on average (squared
distance). After the groups come the raw choices, one column each, for the per-dimension kernel.
Features are a function of the architecture, so that hand-made architectures outside the space
inform the surrogate like any other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autopelt.methods.module import EMBEDDINGS
from autopelt.samplers.history import Observation
from autopelt.space.bound import BoundSpace
from autopelt.space.points import sample_feasible
from autopelt.space.space import Row
from autopelt.space.tables import Matrix

Array = NDArray[np.float64]
Points = Matrix | Sequence[Observation]
"""Points of the space, (n, D), or any architectures with their deployed parameters."""


@dataclass
class _Profiles:
    """What is said of n architectures before it is arranged; R rows, L layers.

    Shapes: sizes, gates (n, R, L + 1), the last column for the embeddings; variants (n, C), see
    `_codes`; multiplier (n,); parameters (n,); outside (n, L + 1).
    """

    sizes: Array
    gates: Array
    variants: Array
    multiplier: Array
    parameters: Array
    outside: Array

    @classmethod
    def empty(cls, count: int, rows: int, layers: int, variants: int) -> "_Profiles":
        """All absent."""
        sizes, outside = np.zeros((count, rows, layers + 1)), np.zeros((count, layers + 1))
        chosen = np.zeros((count, variants))
        return cls(sizes, np.zeros_like(sizes), chosen, np.zeros(count), np.ones(count), outside)


class Features:
    """Features of the architectures of one bound space.

    Attributes:
        groups: name and columns of each group of the structured part, in order.
        structured: number of structured columns; the raw choices follow.
        width: number of all columns.
    """

    def __init__(self, space: BoundSpace) -> None:
        self.space = space
        self._layers = max(1, space.shapes.layers)
        self._rows = space.space.modules
        self._codes = {
            r: codes for r, row in enumerate(self._rows) if (codes := _codes(row)).shape[1]
        }
        ends = np.cumsum([0, *(codes.shape[1] for codes in self._codes.values())]).tolist()
        self._columns = {
            r: slice(a, b) for r, a, b in zip(self._codes, ends, ends[1:], strict=False)
        }
        self._coded = ends[-1]
        self._scale = [1 / math.log2(1 + max(*row.sizes, 1)) for row in self._rows]
        depth = np.arange(self._layers)
        width = max(0.75, 2.5 * self._layers / 12)
        near = np.exp(-0.5 * ((depth[:, None] - depth) / width) ** 2)
        self._smooth: Array = near / near.sum(axis=1, keepdims=True)
        self.groups: list[tuple[str, slice]] = []
        self._shift: Array = np.zeros(0)
        self._factor: Array = np.ones(0)
        sample = sample_feasible(space, np.random.default_rng(0), 256)
        parts = self._parts(self._profiles_of_vectors(sample))
        start = 0
        for name, part in parts:
            self.groups.append((name, slice(start, start + part.shape[1])))
            start += part.shape[1]
        self.structured = start
        values = np.concatenate([part for _, part in parts], axis=1)
        self._shift, self._factor = values.mean(axis=0), np.ones(start)
        for name, columns in self.groups:
            spread = float(2 * values[:, columns].var(axis=0).sum())
            if spread > 1e-12 and name != "outside":
                self._factor[columns] = 1 / math.sqrt(spread)
        self.width = start + self._raw(self._profiles_of_vectors(sample[:1])).shape[1]

    def of(self, points: Points) -> Array:
        """Features; (n, D) or n observations -> (n, width)."""
        profiles = self._profiles(points)
        structured = np.concatenate([part for _, part in self._parts(profiles)], axis=1)
        return np.concatenate(
            [(structured - self._shift) * self._factor, self._raw(profiles)], axis=1
        )

    def amounts(self, points: Points) -> Array:
        """What measured costs are sums of; (n, D) or n observations -> (n, A).

        For each row of the space how many layers hold it with and without a gate, and the sum of
        these sizes; how many layers hold anything; how many lie above the lowest of them; what is
        outside the space; the octaves of the learning rate, for what training itself changes.
        """
        p = self._profiles(points)
        columns: list[Array] = []
        used = (p.sizes > 0).any(axis=1) | (p.outside > 0)
        for r, row in enumerate(self._rows):
            present = p.sizes[:, r] > 0
            gated = present & (p.gates[:, r] > 0 if len(row.gate) > 1 else bool(row.gate[0]))
            size = np.exp2(p.sizes[:, r] / self._scale[r]) - 1
            for mask in (gated, present & ~gated):
                columns += [mask.sum(axis=1), (size * mask).sum(axis=1)]
        layers = used[:, :-1]
        lowest = np.where(layers.any(axis=1), layers.argmax(axis=1), self._layers)
        lowest = np.where(used[:, -1], 0, lowest)
        columns += [layers.sum(axis=1), self._layers - lowest, p.outside.sum(axis=1), p.multiplier]
        return np.stack(columns, axis=1).astype(np.float64)

    # ------------------------------------------------------------------ profiles
    def _profiles(self, points: Points) -> _Profiles:
        if isinstance(points, np.ndarray):
            return self._profiles_of_vectors(points)
        return self._profiles_of_observations(points)

    def _profiles_of_observations(self, observations: Sequence[Observation]) -> _Profiles:
        p = _Profiles.empty(len(observations), len(self._rows), self._layers, self._coded)
        row_of = {(row.method, at): r for r, row in enumerate(self._rows) for at in row.location}
        for n, o in enumerate(observations):
            p.multiplier[n] = math.log2(o.architecture.learning_rate_multiplier)
            p.parameters[n] = max(1, o.parameters)
            for module in o.architecture.modules:
                layer = self._layers if module.layer is None else module.layer
                at_embeddings = module.location == EMBEDDINGS
                if layer > self._layers or (layer == self._layers) != at_embeddings:
                    continue
                r = row_of.get((module.method, module.location))
                if r is None:
                    p.outside[n, layer] += math.log2(1 + module.size) / 8
                    continue
                part = 1 / len(self._rows[r].location)
                p.sizes[n, r, layer] += part * self._scale[r] * math.log2(1 + module.size)
                if r in self._codes and not p.variants[n, self._columns[r]].any():
                    fits = [v.makes(module) for v in self._rows[r].variants]
                    if any(fits):
                        p.variants[n, self._columns[r]] = self._codes[r][fits.index(True)]
                if len(self._rows[r].gate) > 1:
                    p.gates[n, r, layer] += part * (1.0 if module.gate is not None else -1.0)
        return p

    def _profiles_of_vectors(self, matrix: Matrix) -> _Profiles:
        space = self.space
        p = _Profiles.empty(len(matrix), len(self._rows), self._layers, self._coded)
        p.parameters[:] = np.maximum(1, space.costs(matrix))
        factors = np.log2(np.array(space.space.rates, dtype=np.float64))
        chosen = 0 if space.multiplier is None else matrix[:, space.multiplier]
        p.multiplier[:] = factors[chosen]
        for i, places in space.places.items():
            r, row = space.dimensions[i].row, space.row_of(i)
            values = self._scale[r] * np.log2(1 + np.array(row.sizes, dtype=np.float64))
            size = values[matrix[:, i]]
            gate = np.zeros(len(matrix))
            if i in space.gates:
                signs = np.where(np.array(row.gate), 1.0, -1.0)
                gate = signs[matrix[:, space.gates[i]]] * (size > 0)
            for layer, switch in places:
                on = 1 if switch is None else matrix[:, switch]
                at = self._layers if layer is None else layer
                p.sizes[:, r, at] = size * on
                p.gates[:, r, at] = gate * on
        for r, codes in self._codes.items():
            there = np.any(p.sizes[:, r] > 0, axis=-1, keepdims=True)
            p.variants[:, self._columns[r]] = codes[matrix[:, space.variants[r]]] * there
        return p

    # ------------------------------------------------------------------ arrangement
    def _parts(self, p: _Profiles) -> list[tuple[str, Array]]:
        layered = [r for r, row in enumerate(self._rows) if not _at_embeddings(row)]
        below = [r for r, row in enumerate(self._rows) if _at_embeddings(row)]
        parts: list[tuple[str, Array]] = []
        for r in layered:
            name, profile = self._rows[r].name, p.sizes[:, r, :-1]
            parts.append((f"profile {name}", profile))
            parts.append((f"smooth {name}", profile @ self._smooth.T))
            if self._rows[r].per == "model":
                parts.append((f"size {name}", profile.max(axis=1, keepdims=True)))
        gated = [r for r in layered if len(self._rows[r].gate) > 1]
        if gated:
            smooth = p.gates[:, gated, :-1] @ self._smooth.T
            parts.append(("gates", smooth.reshape(len(smooth), len(gated) * self._layers)))
        if self._codes:
            parts.append(("variants", p.variants))
        if below:
            values = [p.sizes[:, below, -1], p.gates[:, below, -1]]
            parts.append(("embeddings", np.concatenate(values, axis=1)))
        if len(layered) > 1:
            parts.append(("layers", p.sizes[:, layered, :-1].mean(axis=1)))
        # The head alone has none; it lies a little below the smallest, not decades away.
        total = np.log10(np.maximum(p.parameters, max(1.0, self.space.smallest / 2)))
        parts.append(("total", total[:, None]))
        if self.space.multiplier is not None:
            parts.append(("multiplier", p.multiplier[:, None]))
        parts.append(("outside", p.outside))
        return parts

    def _raw(self, p: _Profiles) -> Array:
        """Every choice once; (n, number of choices)."""
        columns: list[Array] = []
        for r, row in enumerate(self._rows):
            gates = 0.5 * p.gates[:, r]
            if row.per == "model":
                columns.append(p.sizes[:, r].max(axis=1, keepdims=True))
                if len(row.gate) > 1:
                    columns.append(gates.sum(axis=1, keepdims=True) / (self._layers + 1))
                continue
            at = [self._layers if n is None else n for n in row.layers_of(self._layers)]
            columns.append(p.sizes[:, r][:, at])
            if len(row.gate) > 1:
                columns.append(gates[:, at])
        shared = [r for r, row in enumerate(self._rows) if row.per == "model"]
        if shared and self.space.switches:
            on = np.any(p.sizes[:, shared, :-1] > 0, axis=1)
            columns.append(np.asarray(on, dtype=np.float64))
        columns.append(p.variants)
        if self.space.multiplier is not None:
            columns.append(p.multiplier[:, None] / 2)
        return np.concatenate(columns, axis=1)


def _codes(row: Row) -> Array:
    """(O, C): of each variant 1 at its alpha and 1 at its start, where a row has several."""
    alphas = row.alpha if len(row.alpha) > 1 else ()
    starts = row.start if len(row.start) > 1 else ()
    return np.array(
        [[*(v.alpha == a for a in alphas), *(v.start == s for s in starts)] for v in row.variants],
        dtype=np.float64,
    ).reshape(len(row.variants), -1)


def _at_embeddings(row: Row) -> bool:
    return row.location == (EMBEDDINGS,)
