"""Where to look for the best candidate: sampling, mutations of the front, local search.

Nothing proposed was seen before. Where the space has so few feasible architectures that they can
be listed, all of them are looked at instead.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from autopelt.errors import UnexpectedEndError, command, parameter
from autopelt.space.bound import BoundSpace
from autopelt.space.points import (
    enumerate_feasible,
    feasible_neighbours,
    point_keys,
    sample_feasible,
    unique_points,
)
from autopelt.space.simple import PARTS, parts, sample_simple
from autopelt.space.tables import Matrix, Vector

Array = NDArray[np.float64]
Acquisition = Callable[[Matrix], Array]
"""Value of each point, (n, D) -> (n,); larger is better."""

DEEP = 120
"""Choices beyond which less is looked at."""
LISTED = 2000
"""Spaces of at most so many feasible architectures are listed whole."""
_listings: WeakKeyDictionary[BoundSpace, Matrix | None] = WeakKeyDictionary()


class SpaceExhaustedError(UnexpectedEndError):
    """Every feasible architecture of the space is in the study already."""

    def __init__(self, space: BoundSpace) -> None:
        super().__init__(
            f"every architecture of space '{space.space.name}' within {space.limit:,} parameters "
            f"is in the study; raise {parameter('budget')} or take a larger space "
            f"({command('list', 'spaces')})."
        )


@dataclass(frozen=True)
class Effort:
    """How much is looked at; counts, not seconds, so that a proposal can be repeated.

    Attributes:
        samples: candidates, half random and half mutations of the front.
        starts: the best of them that local search improves.
        steps: the most moves of each.
        pairs: moves between two layers that are tried in each step.
        near: the most points looked at in each step of each, drawn at random of its neighbours.
    """

    samples: int = 400
    starts: int = 8
    steps: int = 12
    pairs: int = 160
    near: int = 1000

    @classmethod
    def at(cls, observations: int, choices: int) -> "Effort":
        """Less where a prediction costs more: with many observations, and of deep backbones."""
        if observations > 300:
            effort = cls(starts=4, steps=8, pairs=60)
        elif observations > 150:
            effort = cls(starts=6, steps=10, pairs=100)
        else:
            effort = cls()
        if choices <= DEEP:
            return effort
        less = DEEP / choices
        return replace(
            effort,
            samples=max(100, round(effort.samples * less)),
            starts=max(3, round(effort.starts * less)),
            steps=max(6, round(effort.steps * less)),
            pairs=max(40, round(effort.pairs * less)),
            near=max(80, round(400 * less)),
        )


class Unseen:
    """The points of a space that are not in the study.

    Args:
        seen: points that are; proposing one of them again is an error.
        simple: only those that can be told in a few words (`space.simple`), while there are any.
        among: of the simple ones those that have something in one of these dimensions, likewise.
    """

    def __init__(
        self,
        space: BoundSpace,
        seen: Sequence[Vector],
        simple: bool = False,
        among: Sequence[int] = (),
    ) -> None:
        self.space, self.simple, self.among = space, simple, list(among) if simple else []
        self._seen = set(point_keys(_matrix(space, seen)))

    def of(self, points: Matrix) -> Matrix:
        """Those of `points` that are not in the study."""
        if self.among:
            points = points[(points[:, self.among] > 0).any(axis=1)]
        if self.simple:
            points = points[parts(self.space, points) <= PARTS]
        return points[np.array([key not in self._seen for key in point_keys(points)], dtype=bool)]

    def listed(self) -> Matrix | None:
        """All of them where the space is small, else None.

        Raises:
            SpaceExhaustedError: there are none.
        """
        if self.space not in _listings:
            _listings[self.space] = enumerate_feasible(self.space, LISTED)
        everything = _listings[self.space]
        if everything is None:
            return None
        while len(unseen := self.of(everything)) == 0:
            if not self._relax():
                raise SpaceExhaustedError(self.space)
        return unseen

    def _relax(self) -> bool:
        """Ask for less; False where nothing is asked for but that it was not seen."""
        was, self.simple, self.among = self.simple, bool(self.among), []
        return was

    def one(self, rng: np.random.Generator) -> Vector:
        """One of them, as of `sample`."""
        return tuple(self.sample(rng, 1)[0].tolist())

    def sample(self, rng: np.random.Generator, count: int) -> Matrix:
        """Up to `count` different ones, at least one, spread over log-parameters.

        Raises:
            SpaceExhaustedError: there are none.
        """
        while self.simple:
            fresh = self.of(sample_simple(self.space, rng, count))
            if len(fresh):
                return fresh
            self._relax()
        for attempt in range(20):
            drawn = sample_feasible(self.space, rng, count * (1 + attempt))
            fresh = self.of(unique_points(drawn))
            if len(fresh):
                return fresh[:count]
        everything = self.listed()
        if everything is None:  # neighbours of what was seen, further and further away
            everything = self._around(unique_points(drawn))
        return everything[rng.permutation(len(everything))[:count]]

    def _around(self, points: Matrix) -> Matrix:
        for _ in range(5):
            near = [feasible_neighbours(self.space, p.tolist()) for p in points[:64]]
            points = unique_points(np.concatenate(near))
            fresh = self.of(points)
            if len(fresh):
                return fresh
        raise SpaceExhaustedError(self.space)


def mutations(
    space: BoundSpace, parents: Sequence[Vector], rng: np.random.Generator, count: int
) -> Matrix:
    """`count` points one to three random moves away from random `parents`; (count, D)."""
    near = [feasible_neighbours(space, p, rng, 100) for p in parents]
    near = [n for n in near if len(n)]
    points: list[Matrix] = []
    for i in range(count if near else 0):
        options = near[int(rng.integers(len(near)))]
        point = options[int(rng.integers(len(options)))]
        # Most stop after one move; every fourth goes on, as neighbours are the costly part.
        for _ in range(int(rng.integers(1, 3)) if i % 4 == 0 else 0):
            further = feasible_neighbours(space, point.tolist(), rng, 50)
            point = further[int(rng.integers(len(further)))] if len(further) else point
        points.append(point)
    return _matrix(space, points)


def best_candidate(
    unseen: Unseen,
    acquisition: Acquisition,
    parents: Sequence[Vector],
    rng: np.random.Generator,
    effort: Effort,
) -> tuple[Vector, float]:
    """The unseen feasible point with the largest acquisition that the search meets, and its value.

    Raises:
        SpaceExhaustedError: every feasible point was seen.
    """
    everything = unseen.listed()
    if everything is not None:
        values = acquisition(everything)
        best = int(values.argmax())
        return tuple(everything[best].tolist()), float(values[best])

    def neighbours(point: Matrix) -> Matrix:
        near = unseen.of(feasible_neighbours(unseen.space, point.tolist(), rng, effort.pairs))
        if len(near) <= effort.near:
            return near
        return near[np.sort(rng.choice(len(near), effort.near, replace=False))]

    half = effort.samples // 2
    drawn = unseen.sample(rng, half)
    mutated = unseen.of(mutations(unseen.space, parents, rng, half))
    pool = unique_points(np.concatenate([drawn, mutated]))
    values = acquisition(pool)
    order = np.argsort(-values, kind="stable")[: effort.starts]
    points, values = pool[order], values[order]
    rising = list(range(len(points)))
    for _ in range(effort.steps):
        around = [neighbours(points[i]) for i in rising]
        if not sum(map(len, around)):
            break
        ends = np.cumsum([len(near) for near in around])
        there = np.split(acquisition(np.concatenate(around)), ends[:-1])
        for i, near, theirs in zip(tuple(rising), around, there, strict=True):
            if len(theirs) and theirs.max() > values[i]:
                points[i], values[i] = near[int(theirs.argmax())], theirs.max()
            else:
                rising.remove(i)
    best = int(values.argmax())
    return tuple(points[best].tolist()), float(values[best])


def _matrix(space: BoundSpace, points: Sequence[Vector] | list[Matrix]) -> Matrix:
    """(n, D), also of no points."""
    return np.array(points, dtype=np.int64).reshape(len(points), len(space.dimensions))
