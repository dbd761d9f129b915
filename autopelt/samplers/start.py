"""The first proposals: round what is known to learn, and far from what was seen.

Most of a large space does not learn at all in a short training, so filling it evenly wastes
trainings. What a person would have tried by hand does: a start takes such an architecture and
changes a few things that matter as a whole, such as a method, a range of layers or a size.
"""

import numpy as np

from autopelt.samplers.features import Features
from autopelt.samplers.history import History, Observation
from autopelt.samplers.local_search import Unseen
from autopelt.space.bound import BoundSpace
from autopelt.space.nearest import nearest_point
from autopelt.space.tables import Matrix, Vector

CANDIDATES = 64
"""Points of which the one farthest from all that was seen is taken."""

OCTAVES = 1.0
"""Standard deviation of a candidate's learning rate round that of its model."""


def space_filling(
    space: BoundSpace,
    features: Features,
    history: History,
    unseen: Unseen,
    rng: np.random.Generator,
) -> Vector:
    """Of 64 points round what was observed the one whose nearest trial is farthest, by features.

    Where nothing was observed that was not a proposal of this kind itself, they are drawn from all
    of the space.
    """
    taken = [*history.observed, *history.pending]
    pool = _round(space, history, unseen, rng) if len(taken) > history.started else None
    if pool is None:
        pool = unseen.sample(rng, CANDIDATES)
    if not taken:
        return tuple(pool[0].tolist())
    s = features.structured
    mine = features.of(pool)[:, :s]
    theirs = features.of(taken)[:, :s]
    distance = ((mine[:, None] - theirs[None]) ** 2).sum(axis=-1).min(axis=1)
    return tuple(pool[int(distance.argmax())].tolist())


def untried(space: BoundSpace, history: History) -> list[int]:
    """Size dimensions of the rows of which no trial has had a module."""
    trials = [*history.observed, *history.pending]
    had = {(m.method, m.location) for o in trials for m in o.architecture.modules}
    seen = np.array(history.seen, dtype=np.int64).reshape(-1, len(space.dimensions))
    found: list[int] = []
    for r, dimensions in space.sizes_by_row.items():
        row = space.space.modules[r]
        places = {(row.method, at) for at in row.location}
        if not had & places and not (seen[:, dimensions] > 0).any():
            found += dimensions.tolist()
    return found


def _round(
    space: BoundSpace, history: History, unseen: Unseen, rng: np.random.Generator
) -> Matrix | None:
    """Up to 64 unseen points near what was observed within the budget; None where there are none.

    A better architecture is a model more often: the n-th best with a share of 1 / n.
    """
    best = sorted(history.observed, key=lambda o: -o.score)
    models = [point for o in best if (point := _point(space, o)) is not None]
    if not models:
        return None
    share = 1 / np.arange(1, len(models) + 1)
    share /= share.sum()
    moved = Moves(space, rng)
    found: dict[bytes, Matrix] = {}
    for _ in range(4):
        drawn = rng.choice(len(models), 2 * CANDIDATES, p=share).tolist()
        points = space.all_canonical(np.array([moved.of(models[i]) for i in drawn]))
        points = unseen.of(points[space.all_feasible(points)])
        found |= {point.tobytes(): point for point in points}
        if len(found) >= CANDIDATES:
            break
    return np.array(list(found.values())[:CANDIDATES]) if found else None


def _point(space: BoundSpace, observation: Observation) -> Vector | None:
    if observation.parameters > space.limit:
        return None
    return observation.vector or nearest_point(space, observation.architecture)


class Moves:
    """Changes of whole rows: one method less or more, another range of layers, another size."""

    def __init__(self, space: BoundSpace, rng: np.random.Generator) -> None:
        self.space, self.rng = space, rng
        self.rows = list(space.sizes_by_row.values())
        layers = [space.dimensions[i].layer for i in space.size_dimensions]
        self.depth = np.full(len(space.dimensions), -1)
        self.depth[space.size_dimensions] = [-1 if layer is None else layer for layer in layers]
        self.depth[space.switch_dimensions] = list(space.switches)

    def of(self, model: Vector) -> Matrix:
        """One to three of these changes, and a learning rate drawn round that of the model; (D,).

        The point may be over the budget, and not canonical.
        """
        point = np.array(model, dtype=np.int64)
        for _ in range(int(self.rng.integers(1, 4))):
            change = (self._less, self._more, self._narrow, self._resize)[self.rng.integers(4)]
            change(point)
        self._vary(point)
        self._rate(point)
        return point

    def _present(self, point: Matrix) -> list[Matrix]:
        """The size dimensions of each row that has a module."""
        return [row for row in self.rows if point[row].any()]

    def _less(self, point: Matrix) -> None:
        rows = self._present(point)
        if len(rows) > 1:
            point[rows[self.rng.integers(len(rows))]] = 0

    def _more(self, point: Matrix) -> None:
        """A row that is absent, in the layers where anything is, all of one size and gate."""
        absent = [row for row in self.rows if not point[row].any()]
        if not absent:
            return
        row = absent[self.rng.integers(len(absent))]
        used = {int(self.depth[i]) for r in self._present(point) for i in r if point[i] > 0}
        used -= {-1}
        layers = [i for i in row.tolist() if not used or self.depth[i] in (-1, *used)]
        last = len(self.space.dimensions[row[0]].values) - 1
        if not layers or last == 0:
            return
        point[layers] = self.rng.integers(1, last + 1)
        gates = [self.space.gates[i] for i in layers if i in self.space.gates]
        point[gates] = self.rng.integers(2)

    def _narrow(self, point: Matrix) -> None:
        """What stands in layers stays in a range of them only, of a third of all at least."""
        every = self.space.shapes.layers
        if every < 2:
            return
        length = int(self.rng.integers((every + 2) // 3, every + 1))
        first = int(self.rng.integers(0, every - length + 1))
        outside = (self.depth >= 0) & ((self.depth < first) | (self.depth >= first + length))
        point[outside] = 0

    def _resize(self, point: Matrix) -> None:
        """A row gets another size, the same wherever it is."""
        rows = self._present(point)
        if not rows:
            return
        row = rows[self.rng.integers(len(rows))]
        present = row[point[row] > 0]
        last = len(self.space.dimensions[row[0]].values) - 1
        if last > 0:
            point[present] = self.rng.integers(1, last + 1)

    def _vary(self, point: Matrix) -> None:
        """Every fourth time a row's scale and start are drawn anew."""
        for dimension in self.space.variants.values():
            if self.rng.random() < 0.25:
                point[dimension] = self.rng.integers(len(self.space.dimensions[dimension].values))

    def _rate(self, point: Matrix) -> None:
        at = self.space.multiplier
        if at is None:
            return
        octaves = np.log2(self.space.dimensions[at].values)
        wanted = octaves[point[at]] + self.rng.normal(0, OCTAVES)
        point[at] = int(np.abs(octaves - wanted).argmin())
