"""From a study's history to a proposal: fit the surrogate, build the front, search for the best."""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from numpy.typing import ArrayLike, NDArray

from autopelt.architecture.architecture import Architecture
from autopelt.samplers.acquisition import BoxDecomposition, decades
from autopelt.samplers.ceiling import ScorePosterior
from autopelt.samplers.collapse import Collapse
from autopelt.samplers.cost_model import CostModel, WithinLimits
from autopelt.samplers.factors import anew, apart, reachable, told
from autopelt.samplers.features import Features
from autopelt.samplers.history import ENOUGH, History, Observation, thinned
from autopelt.samplers.local_search import Effort, Unseen, best_candidate
from autopelt.samplers.repeats import Worth, best_of, front_of_size, knowledge_gradient
from autopelt.samplers.surrogate import Hyperparameters, Surrogate
from autopelt.space.bound import BoundSpace
from autopelt.space.tables import Matrix, Vector
from autopelt.statistics.pareto import front_of

Array = NDArray[np.float64]
Value = Callable[[ScorePosterior, Matrix], Array]
"""Acquisition of (n, D) points with their posterior; -> (n,), larger is better."""
Acquisition = Callable[[Surrogate, float], AcquisitionFunction]
"""Of a fitted surrogate and the best expected score within the budget an acquisition function of
BoTorch, on features."""

COLD_STEPS = 40
TRIAL_STEPS = 20
WARM_STEPS = 15
ACQUISITION_BATCH = 64  # points at which an acquisition function of BoTorch is evaluated at once
MOST_FITTED = 256
"""Trials that hyperparameters are fitted to: a fit takes their cube, many times."""
ANCHOR = 3  # every so many milestones one begins from the medians of the priors
KEPT = 0.5
"""Of what the best gains over the head alone, what is to be kept to be worth choosing."""
NEGLIGIBLE = 0.01
"""A training again is worth nothing below this part of one training's deviation."""
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
            them expects becomes one more column; see `kernel`.
        limits: the most of each of `Observation.limited`; what is over one is no answer.
    """

    def __init__(
        self,
        space: BoundSpace,
        features: Features,
        source: Sequence[Observation] = (),
        limits: Sequence[float] = (),
    ) -> None:
        self.space, self.features, self.limits = space, features, limits
        self._source: Surrogate | None = None
        if len(source) >= ENOUGH and len({o.score for o in source}) > 1:
            self._source = Model(space, features).fitted(source)
        self._rows: dict[Architecture, Array] = {}
        self._milestones: dict[str, Hyperparameters] = {}
        self._last: tuple[str, Surrogate] | None = None

    def propose(
        self,
        history: History,
        unseen: Unseen,
        rng: np.random.Generator,
        single: bool,
        acquisition: Acquisition | None = None,
    ) -> tuple[Vector, dict[str, float]]:
        """The most promising unseen point, and its ``mean``, ``sd`` and ``acquisition``.

        Args:
            single: maximise the score under the budget instead of the front.
            acquisition: maximise this instead of either.

        Raises:
            SpaceExhaustedError: every feasible point was seen.
        """
        surrogate, known, means = self._with_fantasies(history)
        reference_score = _reference_score(known, means)
        inside = [i for i, o in enumerate(known) if self._within(o)]
        known, means = [known[i] for i in inside], means[inside]
        if single or acquisition is not None:
            value, order = _best_score(means, reference_score)
        else:
            costs = CostModel(self.features, history.observed)
            value, order = self._front(known, means, _floor(reference_score, means), costs)

        def features(matrix: Matrix) -> Array:
            return self._with_source(self.features.of(matrix))

        pending = [o.vector for o in history.pending if o.vector is not None]
        trained = [o.vector for o in history.observed if o.vector is not None]
        tried = _octaves([*history.observed, *history.pending])
        collapse = self._collapse(surrogate, history)
        keeps = WithinLimits(self.features, history.observed, self.limits)

        def ours(matrix: Matrix) -> Array:
            seen, octaves = features(matrix), self._rates(matrix)
            gain = value(surrogate.predict(seen), matrix) * told(self.space, matrix)
            gain *= anew(self.space, matrix, [*trained, *pending])
            likely = apart(matrix, pending) * keeps.chance(matrix)
            learns = 1 - collapse.chance(seen[:, : self.features.structured], octaves)
            return gain * likely * learns * reachable(octaves, tried)

        worth: Callable[[Matrix], Array] = ours
        if acquisition is not None:
            best = float(means.max()) if len(means) else reference_score
            worth = self._worth(acquisition(surrogate, best))
        vector, highest = best_candidate(
            unseen,
            worth,
            [v for i in order if (v := known[i].vector) is not None],
            rng,
            Effort.at(len(history.observed), len(self.space.dimensions)),
        )
        expected = surrogate.predict(features(np.array([vector])))
        mean, sd = float(expected.mean[0]), float(expected.deviation[0])
        return vector, {"mean": mean, "sd": sd, "acquisition": highest}

    def _within(self, o: Observation) -> bool:
        """Whether a trial is within the budget and, as far as is known, the limits."""
        kept = (cost <= most for cost, most in zip(o.limited, self.limits, strict=False))
        return o.parameters <= self.space.limit and all(kept)

    def _worth(self, function: AcquisitionFunction) -> Callable[[Matrix], Array]:
        """A BoTorch acquisition function of points, each by itself."""

        def worth(matrix: Matrix) -> Array:
            points = torch.from_numpy(self._with_source(self.features.of(matrix)))
            with torch.no_grad():
                parts = [function(some[:, None]) for some in points.split(ACQUISITION_BATCH)]
            return np.asarray(torch.cat(parts).numpy())

        return worth

    def contender(self, history: History, single: bool) -> Observation | None:
        """The known architecture within the budget whose next training is worth the most.

        Args:
            single: for the best architecture alone, and not for the front.

        Returns:
            One of its trainings; None where nothing within the budget has a score.
        """
        surrogate, known, _ = self._with_fantasies(history)
        means, _ = self._beliefs(surrogate, known, history)
        reference_score = _reference_score(known, means)
        distinct = {o.architecture.id: i for i, o in enumerate(known) if self._within(o)}
        # Of the head alone nothing is to be chosen, nor of what was stopped early or still runs.
        ended = {o.architecture.id for o in history.observed if o.variance == 0}
        chosen = [
            i for key, i in distinct.items() if key in ended and known[i].architecture.modules
        ]
        if not chosen:
            return None
        contenders, means = [known[i] for i in chosen], means[chosen]
        covariance = surrogate.covariance(self.features_of(contenders))
        worth: Worth = best_of
        if not single:
            parameters = [o.parameters for o in contenders]
            worth = front_of_size(parameters, self.space.limit, _floor(reference_score, means))
        gains = knowledge_gradient(means, covariance, surrogate.noise, worth)
        if gains.max() >= NEGLIGIBLE * surrogate.noise:
            return contenders[int(gains.argmax())]
        # No training may change the choice: it goes to what is chosen and stands on the fewest.
        trained = Counter(o.architecture.id for o in history.observed)
        choice = [int(means.argmax())]
        if not single:
            front = front_of([(o.parameters,) for o in contenders], means.tolist())
            least = _floor(reference_score, means)  # nobody chooses what hardly learns
            choice = [i for i in front if means[i] >= least] or choice
        return min((contenders[i] for i in choice), key=lambda o: trained[o.architecture.id])

    def beliefs(self, observed: Sequence[Observation]) -> dict[str, tuple[float, float, float]]:
        """By architecture id: expected score with collapses counted, its deviation, and the chance
        that a training learns."""
        distinct = list({o.architecture.id: o for o in observed}.values())
        surrogate = self.fitted(observed)
        means, chance = self._beliefs(surrogate, distinct, History(observed=list(observed)))
        deviations = surrogate.predict(self.features_of(distinct)).deviation
        return {
            o.architecture.id: (float(mean), float(deviation), 1 - float(risk))
            for o, mean, deviation, risk in zip(distinct, means, deviations, chance, strict=True)
        }

    def _beliefs(
        self, surrogate: Surrogate, of: Sequence[Observation], history: History
    ) -> tuple[Array, Array]:
        """Expected scores with collapses counted, and chances of collapse; (n,), (n,)."""
        collapse, features = self._collapse(surrogate, history), self.features_of(of)
        chance = collapse.chance(features[:, : self.features.structured], _octaves(of))
        return collapse.expected(surrogate.predict(features).mean, chance), chance

    def _collapse(self, surrogate: Surrogate, history: History) -> Collapse:
        """Chances of collapse, given the trainings that the surrogate takes for collapsed."""
        observed = thinned(history.observed)
        return Collapse(
            self.features_of(observed)[:, : self.features.structured],
            len(self.features.groups),
            _octaves(observed),
            surrogate.outliers[: len(observed)],
            np.array([o.score for o in observed]),
        )

    def _rates(self, matrix: Matrix) -> Array:
        """(n,) log2 of the learning-rate multipliers of points."""
        at = self.space.multiplier
        if at is None:
            return np.zeros(len(matrix))
        return np.asarray(np.log2(self.space.dimensions[at].values)[matrix[:, at]])

    def _with_fantasies(self, history: History) -> tuple[Surrogate, list[Observation], Array]:
        """Surrogate conditioned on the pending; observed and pending trials; expected scores."""
        surrogate = self.fitted(history.observed)
        means = surrogate.predict(self.features_of(history.observed)).mean
        if history.pending:
            pending = self.features_of(history.pending)
            means = np.concatenate([means, surrogate.predict(pending).mean])
            surrogate = surrogate.fantasized(pending)
        return surrogate, [*history.observed, *history.pending], means

    def _front(
        self, known: list[Observation], means: Array, reference_score: float, measured: CostModel
    ) -> tuple[Value, list[int]]:
        """Expected improvement of the front of trials within the budget, and who is on it."""
        costs = _costs([o.parameters for o in known], measured.of(known))
        reference = np.array([math.log10(self.space.limit), *measured.reference])
        boxes = BoxDecomposition.of(costs, means, reference, reference_score)

        def value(posterior: ScorePosterior, matrix: Matrix) -> Array:
            costs = _costs(self.space.costs(matrix), measured.of(matrix))
            return boxes.expected_improvement(posterior.expected_improvement, costs)

        return value, front_of(costs.tolist(), means.tolist())

    @property
    def kept(self) -> dict[str, list[float]]:
        """What spares a study that is opened again the fits of the past: gap and hyperparameters of
        the last milestones, by a digest of what they were fitted to."""
        last = list(self._milestones.items())[-ANCHOR:]
        return {digest: [known.gap, *known.values.tolist()] for digest, known in last}

    def remember(self, kept: Mapping[str, Sequence[float]]) -> None:
        """Take over what a study kept; a digest that does not fit is never asked for."""
        for digest, (gap, *values) in kept.items():
            self._milestones.setdefault(digest, Hyperparameters(np.array(values), gap))

    def predict(self, history: History, trial: Observation) -> tuple[float, float]:
        """Mean and deviation of the final score that a training of an architecture will show."""
        surrogate = self.fitted(history.observed)
        posterior = surrogate.predict(self.features_of([trial]))
        deviation = math.hypot(float(posterior.deviation[0]), surrogate.noise)
        return float(posterior.mean[0]), deviation

    def fitted(self, observed: Sequence[Observation]) -> Surrogate:
        """The surrogate of these trials."""
        key = self._digest(observed)
        if self._last is None or self._last[0] != key:
            self._last = key, self._refitted(observed)
        return self._last[1]

    def _refitted(self, observed: Sequence[Observation]) -> Surrogate:
        start: Hyperparameters | None = None
        finished = [o for o in observed if o.variance == 0]
        passed = milestones(len(finished))
        anchor = (len(passed) - 1) // ANCHOR * ANCHOR
        for count in passed[max(0, anchor) :]:
            first = finished[:count]
            key = self._digest(first)
            if key not in self._milestones:
                self._milestones[key] = self._thorough(first, start)
            start = self._milestones[key]
        steps = COLD_STEPS if start is None else WARM_STEPS
        return self._fit(thinned(observed), start, steps if len(observed) <= MOST_FITTED else 0)

    def _digest(self, observed: Sequence[Observation]) -> str:
        """Of trials with their scores, and of what the surrogate sees of them."""
        sources = 0 if self._source is None else 1
        known = [(o.number, o.architecture.id, o.score) for o in observed]
        text = repr((self.features.groups, self.features.width, sources, known))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _thorough(
        self, observed: Sequence[Observation], start: Hyperparameters | None
    ) -> Hyperparameters:
        """Fit with every gap, and go on with the most plausible."""
        observed = observed[:: math.ceil(len(observed) / MOST_FITTED)]
        tried = [
            self._fit(observed, start and replace(start, gap=gap), TRIAL_STEPS, gap) for gap in GAPS
        ]
        best = max(tried, key=lambda t: t.evidence)
        return self._fit(observed, best.hyperparameters, COLD_STEPS).hyperparameters

    def _fit(
        self,
        observed: Sequence[Observation],
        start: Hyperparameters | None,
        steps: int,
        gap: float = GAPS[-1],
    ) -> Surrogate:
        return Surrogate(
            self.features_of(observed),
            np.array([o.score for o in observed]),
            [columns for _, columns in self.features.groups],
            self.features.width - self.features.structured,
            sources=0 if self._source is None else 1,
            variances=np.array([o.variance for o in observed]),
            gap=gap if start is None else start.gap,
            sure=np.array([not o.architecture.modules for o in observed]),  # the head alone
            start=start,
            steps=steps,
        )

    def features_of(self, observations: Sequence[Observation]) -> Array:
        """Features of trials, (n, F); remembered, the same to the bit for one architecture."""
        missing = {o.architecture: o for o in observations if o.architecture not in self._rows}
        rows = self._with_source(self.features.of(list(missing.values())))
        self._rows |= zip(missing, rows, strict=True)
        return np.array([self._rows[o.architecture] for o in observations])

    def _with_source(self, features: Array) -> Array:
        """Features with the column of the other study, where there is one; (n, F) -> (n, F')."""
        if self._source is None or len(features) == 0:
            return features
        expected = self._source.standardised(features)
        return np.concatenate([features, expected[:, None]], axis=1)


def _octaves(observed: Sequence[Observation]) -> Array:
    """(n,) log2 of the learning-rate multipliers."""
    return np.log2([o.architecture.learning_rate_multiplier for o in observed])


def _reference_score(known: Sequence[Observation], means: Array) -> float:
    """What the head alone is expected to score, else the least that is expected of anything."""
    alone = [m for o, m in zip(known, means, strict=True) if not o.architecture.modules]
    return float(alone[0] if alone else means.min())


def _floor(reference_score: float, means: Array) -> float:
    """The score above which the front is asked for.

    Over log10(parameters) most of the hypervolume above the head alone lies among architectures of
    a few hundred parameters that hardly learn, which nobody would choose.

    Args:
        reference_score: of the head alone.
        means: expected scores within the budget.
    """
    best = float(means.max(initial=reference_score))
    return reference_score + KEPT * (best - reference_score)


def milestones(count: int) -> list[int]:
    """Numbers of ended trials, up to `count`, at which a fit is kept to begin others from."""
    passed, k = [], 12
    while k <= count:
        passed.append(k)
        k = math.ceil(k * 1.5)
    return passed


def _best_score(means: Array, reference_score: float) -> tuple[Value, list[int]]:
    """Expected improvement of the best expected score, and who has the ten highest."""
    best = float(means.max()) if len(means) else reference_score
    order: list[int] = np.argsort(-means, kind="stable")[:10].tolist()
    return lambda posterior, _: posterior.expected_improvement(best)[:, 0], order


def _costs(parameters: ArrayLike, measured: Array) -> Array:
    """Parameters, in decades, and the measured costs; (n,), (n, c) -> (n, 1 + c)."""
    return np.concatenate([decades(parameters)[:, None], measured], axis=1)
