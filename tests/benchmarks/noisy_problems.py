"""The problems of `problems` as trainings really are: as noisy as good architectures differ.

The noise of one training is a level times the *spread among good architectures*: the standard
deviation of the true scores of the best tenth of a pool, the same every time: of 20,000 feasible
points about log-uniform in parameters those between 30 % and 100 % of the budget. (Moves towards
the best would make the best tenth the neighbours of one architecture, and the spread a third.) Of
the synthetic kinds 5 % of trainings collapse to the floor, whatever the architecture. The kind
*real* has the noise and the chances of collapse of its own table; a level is a factor on the noise.

A search begins with 16 hand-made architectures: one size in every layer or in the upper half alone,
large and small; of the real kind those known by name, at their own rates and at twice these.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from problems import KINDS, LAYERS, Problem, by_name, problem

from autopelt.samplers.history import Observation
from autopelt.space.points import sample_feasible
from autopelt.space.tables import Vector
from autopelt.statistics.pareto import hypervolume

Array = NDArray[np.float64]

COLLAPSES = 0.05
ROUNDS = 60
"""Of evolution for a reference front."""
FURTHER = (
    (2, 0, 0, 0), (0, 3, 0, 0), (0, 0, 2, 0), (0, 0, 0, 1),
    (6, 0, 0, 0), (0, 0, 0, 7), (4, 0, 4, 4), (0, 5, 5, 0),
)  # fmt: skip
"""Sizes of further hand-made architectures: four small ones, four in the upper half alone."""


@dataclass(frozen=True)
class Case:
    """One problem at one level of noise.

    Attributes:
        hand_made: what a search begins with.
        noise: standard deviation of a training that learned.
    """

    problem: Problem
    level: float
    hand_made: tuple[Vector, ...]
    noise: float

    def learned(self, vectors: Sequence[Vector]) -> Array:
        """True scores of trainings that learn; (n,)."""
        real = self.problem.real
        return (self.problem.truth if real is None else real.learned)(np.array(vectors))

    def chances(self, vectors: Sequence[Vector]) -> Array:
        """Chance of each that a training collapses; (n,)."""
        real = self.problem.real
        return np.full(len(vectors), COLLAPSES) if real is None else real.chances(np.array(vectors))

    @property
    def collapsed(self) -> float:
        """Mean score of trainings that collapse."""
        real = self.problem.real
        return self.problem.floor if real is None else real.basics.nothing

    def expected(self, vectors: Sequence[Vector]) -> Array:
        """True scores with collapses counted; (n,)."""
        chances = self.chances(vectors)
        return (1 - chances) * self.learned(vectors) + chances * self.collapsed

    def value(self, vectors: Sequence[Vector]) -> Array:
        """What a pick is judged by; (n,): chances count where architectures differ in them."""
        return self.problem.truth(np.array(vectors))

    def train(self, vectors: Sequence[Vector], first: int, draw: int = 0) -> Array:
        """Scores of trainings number `first` and following, (n,); equal for all searches.

        Args:
            draw: other numbers draw all the noise anew.
        """
        kind = KINDS.index(self.problem.kind)
        numbers = range(first, first + len(vectors))
        rngs = [np.random.default_rng((29, self.problem.number, kind, draw, n)) for n in numbers]
        collapsed = np.array([rng.random() for rng in rngs]) < self.chances(vectors)
        noise = self.noise * np.array([rng.normal() for rng in rngs])
        return np.where(collapsed, self.collapsed, self.learned(vectors)) + noise

    def share(self, vectors: Sequence[Vector]) -> float:
        """True hypervolume of a reported front, as a share of the reference."""
        values = self.value(vectors).tolist()
        points = [(self.problem.space.cost(v), s) for v, s in zip(vectors, values, strict=True)]
        found = hypervolume(points, self.problem.space.limit, self.problem.floor)
        return found / self.problem.reference

    def observation(self, number: int, vector: Vector, score: float) -> Observation:
        """A training as the surrogate sees it."""
        space = self.problem.space
        return Observation(number, space.decode(vector), space.cost(vector), vector, score)


class Cases:
    """Cases by kind, number and level; what takes seconds to work out is kept in a file.

    Args:
        kept: JSON of references and spreads, made and extended as needed; None keeps nothing.
    """

    def __init__(self, kept: Path | None) -> None:
        self.kept = kept

    def case(self, kind: str, number: int, level: float) -> Case:
        """The case; the same every time."""
        known = {}
        if self.kept is not None and self.kept.exists():
            known = json.loads(self.kept.read_text(encoding="utf-8"))
        key = f"{kind} {number}"
        if key in known:
            made = replace(problem(kind, number, rounds=0), reference=known[key]["reference"])
        else:
            made = problem(kind, number, rounds=ROUNDS)
            known[key] = {"reference": made.reference, "spread": spread(made)}
            if self.kept is not None and kind != "real":  # a table may grow
                self.kept.write_text(json.dumps(known, indent=1), encoding="utf-8")
        noise = made.noise if kind == "real" else known[key]["spread"]
        return Case(made, level, hand_made(made), level * noise)


def spread(case: Problem) -> float:
    """Standard deviation of the true scores among good architectures; see the module."""
    rng = np.random.default_rng((23, case.number, KINDS.index(case.kind)))
    pool = sample_feasible(case.space, rng, 20_000)
    values = np.sort(case.truth(pool[case.space.costs(pool) >= 0.3 * case.space.limit]))
    return float(values[-max(2, len(values) // 10) :].std())


def hand_made(case: Problem) -> tuple[Vector, ...]:
    """The architectures that a search begins with, at most 16."""
    if case.kind == "real":
        named, rate = by_name(case.space), case.space.multiplier
        assert rate is not None
        values = np.array(case.space.dimensions[rate].values)
        double = int(np.abs(values - 2).argmin())
        faster = [(*v[:rate], double, *v[rate + 1 :]) for v in named]
        return tuple(dict.fromkeys([*named, *faster]))
    made = dict.fromkeys(case.starts[:8])
    for n, sizes in enumerate(FURTHER):
        vector = np.repeat(np.array(sizes), LAYERS)
        if n >= 4:
            vector[np.arange(len(vector)) % LAYERS < LAYERS // 2] = 0
        while case.space.cost(vector.tolist()) > case.space.limit:
            vector = np.maximum(0, vector - 1)
        made[tuple(vector.tolist())] = None
    return tuple(made)
