"""Samplers to compare with, on the same space and under the same budget.

Optuna's samplers know nothing of feasible points. What they propose over the budget is not trained:
they are told that it broke the constraint and asked again, 16 times (``gp``, which is slow: once);
then it is repaired: sizes are lowered at random until it fits. So no baseline spends a training on
a point outside. All begin with random feasible points.
"""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from autopelt.samplers.history import History, Observation
from autopelt.samplers.local_search import Unseen
from autopelt.samplers.parameters import distributions, params_of, vector_of_params
from autopelt.samplers.pelt import NO_LIMITS, START, FeasibleSampler, Proposal
from autopelt.space.bound import BoundSpace
from autopelt.space.points import feasible_neighbours
from autopelt.space.tables import Vector

POPULATION = 20
"""Of NSGA-II."""


class BaselineSampler(FeasibleSampler):
    """Random feasible points at first, then what `choose` says.

    Args:
        start: random points before the baseline decides.
        limits: see `FeasibleSampler`.
    """

    def __init__(
        self,
        space: BoundSpace,
        *,
        random_seed: int,
        start: int = START,
        limits: Mapping[str, float] = NO_LIMITS,
    ) -> None:
        super().__init__(space, random_seed=random_seed, limits=limits)
        self.start = start

    def propose(self, history: History, rng: np.random.Generator, single: bool) -> Proposal:
        """A random point at first, then the baseline's."""
        unseen = Unseen(self.space, history.seen)
        observed = [o for o in history.observed if o.vector is not None]
        if any(o.costs for o in observed):
            observed = [o for o in observed if o.costs]
        if history.begins(self.start) or len(observed) < 3:
            return Proposal(unseen.one(rng))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of experimental options, imports and rough fits
            return Proposal(self.choose(observed, unseen, rng, single), "model")

    def choose(
        self, observed: list[Observation], unseen: Unseen, rng: np.random.Generator, single: bool
    ) -> Vector:
        """An unseen feasible point, given the trials that the space can express."""
        raise NotImplementedError


class OptunaSampler(BaselineSampler):
    """One of Optuna's samplers on an inner study that is built anew for each proposal.

    Args:
        inner: makes the inner sampler, from the keyword ``seed``.
        attempts: how often it is asked for a feasible new point.
    """

    def __init__(
        self,
        space: BoundSpace,
        *,
        random_seed: int,
        inner: Callable[..., optuna.samplers.BaseSampler],
        attempts: int = 16,
        start: int = START,
        limits: Mapping[str, float] = NO_LIMITS,
    ) -> None:
        super().__init__(space, random_seed=random_seed, start=start, limits=limits)
        self.inner, self.attempts = inner, attempts

    def choose(
        self, observed: list[Observation], unseen: Unseen, rng: np.random.Generator, single: bool
    ) -> Vector:
        """Ask the inner study until it proposes a feasible new point; else repair its last."""
        up, down = optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE
        before = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(
            directions=[up] if single else [up, down, *(down for _ in observed[0].costs)],
            sampler=self.inner(seed=int(rng.integers(2**31))),
        )
        optuna.logging.set_verbosity(before)
        for number, o in enumerate(observed):
            assert o.vector is not None
            study.add_trial(self._trial(o.vector, o.score, o.costs, number, single, o.limited))
        worst = min(o.score for o in observed)
        highest = [max(costs) for costs in zip(*(o.costs for o in observed), strict=True)]
        for _ in range(self.attempts):
            trial = study.ask(distributions(self.space))
            vector = vector_of_params(trial.params, self.space)
            study.tell(trial, state=TrialState.FAIL)
            if not self.space.feasible(vector):
                study.add_trial(self._trial(vector, worst, highest, len(observed), single))
            elif len(unseen.of(np.array([vector]))):
                return vector
        return repaired(vector, unseen, rng)

    def _trial(
        self,
        vector: Vector,
        score: float,
        costs: Sequence[float],
        number: int,
        single: bool,
        limited: Sequence[float] = (),
    ) -> FrozenTrial:
        cost = self.space.cost(vector)
        over = dict.fromkeys(self.limits, 0.0)  # what was not measured breaks no limit
        over |= {n: c - self.limits[n] for n, c in zip(self.limits, limited, strict=False)}
        return create_trial(
            params=params_of(vector, self.space, absent_gates=True),
            distributions=distributions(self.space),
            values=[score] if single else [score, math.log10(max(1, cost)), *costs],
            constraints={"budget": cost / self.space.limit - 1, **over},
            system_attrs={"NSGAIISampler:generation": number // POPULATION},
        )


def repaired(vector: Vector, unseen: Unseen, rng: np.random.Generator) -> Vector:
    """Sizes lowered at random until the point is feasible; a neighbour of it if that was seen."""
    space, sizes = unseen.space, unseen.space.size_dimensions.tolist()
    lowered = list(vector)
    while space.cost(lowered) > space.limit:
        present = [i for i in sizes if lowered[i] > 0]
        i = present[int(rng.integers(len(present)))]
        lowered[i] = int(rng.integers(lowered[i]))
    point = space.canonical(lowered)
    if not space.feasible(point):
        return unseen.one(rng)
    if len(unseen.of(np.array([point]))):
        return point
    near = unseen.of(feasible_neighbours(space, point))
    near = near if len(near) else unseen.sample(rng, 1)
    return tuple(near[rng.integers(len(near))].tolist())
