"""From a study's history to a proposal: fit the surrogate, build the front, search for the best."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autopelt.bound_space import BoundSpace, Matrix, Vector
from autopelt.pareto import front
from autopelt.search.acquisition import (
    Staircase,
    expected_hypervolume_improvement,
    expected_improvement,
)
from autopelt.search.candidates import Effort, Unseen, best_candidate
from autopelt.search.features import Features
from autopelt.search.history import History, Observation
from autopelt.search.surrogate import Fit, Surrogate

Array = NDArray[np.float64]

COLD_STEPS = 60
WARM_STEPS = 15


class Model:
    """The surrogate of one bound space, refitted for each proposal.

    A fit begins from that of a milestone: the first k trials that ended, for k = 8, 10, 13, … (each
    a quarter more), which itself began from the milestone before. So a fit is cheap, and is still a
    function of the study alone: a study that is opened again proposes what it would have.
    """

    def __init__(self, space: BoundSpace, features: Features) -> None:
        self.space, self.features = space, features
        self._groups = [columns for _, columns in features.groups]
        self._raw = features.width - features.structured
        self._rows: dict[int, tuple[str, Array]] = {}
        self._milestones: dict[tuple[tuple[int, float], ...], Fit] = {}

    def propose(
        self, history: History, unseen: Unseen, rng: np.random.Generator, single: bool
    ) -> tuple[Vector, dict[str, float]]:
        """The most promising unseen point, and its ``mean``, ``sd`` and ``acquisition``.

        Args:
            single: maximise the score under the budget instead of the front.

        Raises:
            SpaceExhaustedError: every feasible point was seen.
        """
        surrogate = self.fitted(history.observed)
        observed = self.rows(history.observed)
        means = surrogate.predict(observed)[0]
        known = [*history.observed, *history.pending]
        if history.pending:
            pending = self.rows(history.pending)
            means = np.concatenate([means, surrogate.predict(pending)[0]])
            surrogate.believe(pending)
        inside = [i for i, o in enumerate(known) if o.parameters <= self.space.limit]
        points = [(known[i].parameters, float(means[i])) for i in inside]
        alone = [m for o, m in zip(known, means, strict=True) if not o.architecture.modules]
        floor = float(alone[0]) if alone else float(means.min())
        best = max((score for _, score in points), default=floor)
        stairs = Staircase.of(points, self.space.limit, floor)

        def acquisition(matrix: Matrix) -> Array:
            mean, deviation = surrogate.predict(self.features.of_vectors(matrix))
            if single:
                return expected_improvement(mean, deviation, best)
            return expected_hypervolume_improvement(
                mean, deviation, self.space.costs(matrix), stairs
            )

        if single:
            order = sorted(range(len(points)), key=lambda i: -points[i][1])[:10]
        else:
            order = front(points)
        parents = [v for i in order if (v := known[inside[i]].vector) is not None]
        effort = Effort.at(len(history.observed))
        vector, value = best_candidate(unseen, acquisition, parents, rng, effort)
        mean, deviation = surrogate.predict(self.features.of_vectors(np.array([vector])))
        return vector, {
            "mean": float(mean[0]),
            "sd": float(deviation[0]),
            "acquisition": value,
        }

    def fitted(self, observed: Sequence[Observation]) -> Surrogate:
        """The surrogate of these trials."""
        start: Fit | None = None
        finished = [o for o in observed if o.variance == 0]
        for count in milestones(len(finished)):
            first = finished[:count]
            key = tuple((o.number, o.score) for o in first)
            if key not in self._milestones:
                self._milestones[key] = self._fit(first, start, COLD_STEPS).fit
            start = self._milestones[key]
        return self._fit(observed, start, COLD_STEPS if start is None else WARM_STEPS)

    def _fit(self, observed: Sequence[Observation], start: Fit | None, steps: int) -> Surrogate:
        return Surrogate(
            self.rows(observed),
            np.array([o.score for o in observed]),
            self._groups,
            self._raw,
            extra=np.array([o.variance for o in observed]),
            start=start,
            steps=steps,
        )

    def rows(self, observations: Sequence[Observation]) -> Array:
        """Features of trials; remembered, as architectures never change; (n, F)."""
        missing = [
            o
            for o in observations
            if self._rows.get(o.number, ("",))[0] != o.architecture.to_json()
        ]
        made = self.features.of_architectures(
            [o.architecture for o in missing], [o.parameters for o in missing]
        )
        for o, row in zip(missing, made, strict=True):
            self._rows[o.number] = (o.architecture.to_json(), row)
        return np.array([self._rows[o.number][1] for o in observations])


def milestones(count: int) -> list[int]:
    """Numbers of ended trials, up to `count`, at which a fit is kept to begin others from."""
    found, k = [], 8
    while k <= count:
        found.append(k)
        k = math.ceil(k * 1.25)
    return found
