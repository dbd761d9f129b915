"""From a study's history to a proposal: fit the surrogate, build the front, search for the best."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autopelt.architecture.architecture import Architecture
from autopelt.samplers.acquisition import Staircase, Terraces, expected_hypervolume_improvement
from autopelt.samplers.cost_model import CostModel
from autopelt.samplers.features import Features
from autopelt.samplers.history import ENOUGH, History, Observation
from autopelt.samplers.local_search import Effort, Unseen, best_candidate
from autopelt.samplers.surrogate import Fit, Surrogate
from autopelt.space.bound import BoundSpace
from autopelt.space.tables import Matrix, Vector
from autopelt.statistics.pareto import front, front_of

Array = NDArray[np.float64]

COLD_STEPS = 40
TRIAL_STEPS = 20
WARM_STEPS = 15
ANCHOR = 3
"""Every so many milestones one begins from nothing."""
GAPS = (0.1, 0.3, 1.0, 10.0)
"""Distances of the ceiling above the best score that are tried, in deviations of the scores."""


class Model:
    """The surrogate of one bound space, refitted for each proposal.

    A fit begins from that of a milestone: the first k trials that ended, for k = 12, 18, 27, …
    (each half more). A milestone's fit tries every gap; it begins from the milestone before, but
    every third from nothing, so that few fits lead up to any. So a fit is cheap, and is still a
    function of the study alone: a study that is opened again proposes what it would have.

    Args:
        source: trials of another study, on the features of this one. What a surrogate fitted to
            them expects becomes one more column; see `surrogate`.
    """

    def __init__(
        self, space: BoundSpace, features: Features, source: Sequence[Observation] = ()
    ) -> None:
        self.space, self.features = space, features
        self._source: Surrogate | None = None
        if len(source) >= ENOUGH and len({o.score for o in source}) > 1:
            self._source = Model(space, features).fitted(source)
        self._groups = [columns for _, columns in features.groups]
        self._raw = features.width - features.structured
        self._rows: dict[int, tuple[Architecture, Array]] = {}
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
        means = surrogate.predict(observed).mean
        known = [*history.observed, *history.pending]
        if history.pending:
            pending = self.rows(history.pending)
            means = np.concatenate([means, surrogate.predict(pending).mean])
            surrogate.believe(pending)
        inside = [i for i, o in enumerate(known) if o.parameters <= self.space.limit]
        costs = CostModel(self.features, history.observed)
        points = [(known[i].parameters, float(means[i])) for i in inside]
        alone = [m for o, m in zip(known, means, strict=True) if not o.architecture.modules]
        floor = float(alone[0]) if alone else float(means.min())
        best = max((score for _, score in points), default=floor)
        stairs = Staircase.of(points, self.space.limit, floor)
        if costs.count and not single:
            fitting = [known[i] for i in inside]
            seen = self._all_costs([p for p, _ in points], costs.of_observations(fitting))
            reference = np.array([math.log10(self.space.limit), *costs.reference])
            terraces = Terraces.of(seen, means[inside], reference, floor)

        def acquisition(matrix: Matrix) -> Array:
            belief = surrogate.predict(self._with_source(self.features.of_vectors(matrix)))
            if single:
                return belief.improvement(best)[:, 0]
            if costs.count:
                there = self._all_costs(self.space.costs(matrix), costs.of_vectors(matrix))
                return terraces.improvement(belief.improvement, there)
            return expected_hypervolume_improvement(
                belief.improvement, self.space.costs(matrix), stairs
            )

        if single:
            order = sorted(range(len(points)), key=lambda i: -points[i][1])[:10]
        elif costs.count:
            order = front_of(seen.tolist(), means[inside].tolist())
        else:
            order = front(points)
        parents = [v for i in order if (v := known[inside[i]].vector) is not None]
        effort = Effort.at(len(history.observed))
        vector, value = best_candidate(unseen, acquisition, parents, rng, effort)
        belief = surrogate.predict(self._with_source(self.features.of_vectors(np.array([vector]))))
        return vector, {
            "mean": float(belief.mean[0]),
            "sd": float(belief.deviation[0]),
            "acquisition": value,
        }

    @staticmethod
    def _all_costs(parameters: ArrayLike, measured: Array) -> Array:
        """Parameters, in decades, and the measured costs; (n,), (n, c) -> (n, 1 + c)."""
        decades = np.log10(np.maximum(1, np.asarray(parameters)))
        return np.concatenate([decades[:, None], measured], axis=1)

    def belief(self, history: History, trial: Observation) -> tuple[float, float]:
        """Mean and deviation of the final score that a training of an architecture will show."""
        surrogate = self.fitted(history.observed)
        believed = surrogate.predict(self.rows([trial]))
        deviation = math.hypot(float(believed.deviation[0]), surrogate.noise)
        return float(believed.mean[0]), deviation

    def fitted(self, observed: Sequence[Observation]) -> Surrogate:
        """The surrogate of these trials."""
        start: Fit | None = None
        finished = [o for o in observed if o.variance == 0]
        passed = milestones(len(finished))
        anchor = (len(passed) - 1) // ANCHOR * ANCHOR
        for count in passed[max(0, anchor) :]:
            first = finished[:count]
            key = tuple((o.number, o.score) for o in first)
            if key not in self._milestones:
                self._milestones[key] = self._thorough(first, start)
            start = self._milestones[key]
        return self._fit(observed, start, COLD_STEPS if start is None else WARM_STEPS)

    def _thorough(self, observed: Sequence[Observation], start: Fit | None) -> Fit:
        """Fit with every gap, and go on with the most plausible."""
        tried = [
            self._fit(observed, start and Fit(start.values, gap), TRIAL_STEPS, gap) for gap in GAPS
        ]
        best = max(tried, key=lambda t: t.evidence)
        return self._fit(observed, best.fit, COLD_STEPS).fit

    def _fit(
        self, observed: Sequence[Observation], start: Fit | None, steps: int, gap: float = GAPS[-1]
    ) -> Surrogate:
        return Surrogate(
            self.rows(observed),
            np.array([o.score for o in observed]),
            self._groups,
            self._raw,
            sources=0 if self._source is None else 1,
            extra=np.array([o.variance for o in observed]),
            gap=gap if start is None else start.gap,
            start=start,
            steps=steps,
        )

    def rows(self, observations: Sequence[Observation]) -> Array:
        """Features of trials; remembered, as architectures never change; (n, F)."""
        missing = [
            o
            for o in observations
            if o.number not in self._rows or self._rows[o.number][0] != o.architecture
        ]
        made = self._with_source(
            self.features.of_architectures(
                [o.architecture for o in missing], [o.parameters for o in missing]
            )
        )
        for o, row in zip(missing, made, strict=True):
            self._rows[o.number] = (o.architecture, row)
        return np.array([self._rows[o.number][1] for o in observations])

    def _with_source(self, features: Array) -> Array:
        """Features with the column of the other study, where there is one; (n, F) -> (n, F')."""
        if self._source is None or len(features) == 0:
            return features
        expected = self._source.standardised(features)
        return np.concatenate([features, expected[:, None]], axis=1)


def milestones(count: int) -> list[int]:
    """Numbers of ended trials, up to `count`, at which a fit is kept to begin others from."""
    found, k = [], 12
    while k <= count:
        found.append(k)
        k = math.ceil(k * 1.5)
    return found
