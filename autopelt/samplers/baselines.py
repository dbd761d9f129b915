"""Rival samplers on the same space and under the same budget, to compare with; and all by name.

==========  ====================================================================================
``pelt``    ours, see `sampler`
``random``  feasible by construction, about log-uniform in parameters
``tpe``     Optuna's tree-structured Parzen estimator, multivariate, budget as a constraint
``nsga2``   Optuna's NSGA-II, population of 20, budget as a constraint
``gp``      Optuna's Gaussian-process sampler, budget as a constraint
``autopeft``  SAAS by NUTS on every objective, copula transform, qNEHVI (Zhou et al., TACL 2024)
==========  ====================================================================================

Optuna's samplers know nothing of feasible points. What they propose over the budget is not trained:
they are told that it broke the constraint and asked again, 16 times (``gp``, which is slow: once);
then sizes are lowered at random until it fits. So no rival spends a training on a point outside.
All begin with random feasible points.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from autopelt.errors import UnavailableError, UsageError, did_you_mean, parameter
from autopelt.samplers.history import History, Observation
from autopelt.samplers.local_search import Effort, Unseen, best_candidate
from autopelt.samplers.parameters import distributions, params_of, vector_of_params
from autopelt.samplers.pelt import FeasibleSampler, PELTSampler, RandomFeasibleSampler
from autopelt.space.bound import BoundSpace
from autopelt.space.points import feasible_neighbours
from autopelt.space.tables import Matrix, Vector

START = 10
POPULATION = 20


class RivalSampler(FeasibleSampler):
    """Random feasible points at first, then whatever `choose` says, made feasible and new.

    Args:
        start: random points before the rival decides.
    """

    def __init__(self, space: BoundSpace, *, random_seed: int, start: int = START) -> None:
        super().__init__(space, random_seed=random_seed)
        self.start = start

    def propose(
        self, history: History, rng: np.random.Generator, single: bool
    ) -> tuple[Vector, str, dict[str, float]]:
        """A random point at first, then the rival's."""
        unseen = Unseen(self.space, history.seen)
        known = [o for o in history.observed if o.vector is not None]
        if any(o.costs for o in known):
            known = [o for o in known if o.costs]
        if history.begins(self.start) or len(known) < 3:
            return tuple(unseen.sample(rng, 1)[0].tolist()), "start", {}
        return self.choose(known, unseen, rng, single), "model", {}

    def choose(
        self,
        observed: Sequence[Observation],
        unseen: Unseen,
        rng: np.random.Generator,
        single: bool,
    ) -> Vector:
        """An unseen feasible point, given what the space can express of the study."""
        raise NotImplementedError


class OptunaRival(RivalSampler):
    """One of Optuna's samplers on an inner study that is built anew for each proposal.

    Args:
        make: the inner sampler, from a random seed.
        attempts: how often it is asked for a feasible new point.
    """

    def __init__(
        self,
        space: BoundSpace,
        *,
        random_seed: int,
        make: Callable[[int], optuna.samplers.BaseSampler],
        attempts: int = 16,
        start: int = START,
    ) -> None:
        super().__init__(space, random_seed=random_seed, start=start)
        self.make, self.attempts = make, attempts

    def choose(
        self,
        observed: Sequence[Observation],
        unseen: Unseen,
        rng: np.random.Generator,
        single: bool,
    ) -> Vector:
        """Ask the inner study until it proposes a feasible new point; then make one of the last."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of experimental options; not the user's business
            return self._ask(observed, unseen, rng, single)

    def _ask(
        self,
        observed: Sequence[Observation],
        unseen: Unseen,
        rng: np.random.Generator,
        single: bool,
    ) -> Vector:
        space, known = self.space, distributions(self.space)
        up, down = optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE
        before = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        inner = optuna.create_study(
            directions=[up] if single else [up, down, *(down for _ in observed[0].costs)],
            sampler=self.make(int(rng.integers(2**31))),
        )
        optuna.logging.set_verbosity(before)
        for number, o in enumerate(observed):
            assert o.vector is not None
            inner.add_trial(self._told(o.vector, o.score, o.costs, single, number // POPULATION))
        worst = min(o.score for o in observed)
        dearest = tuple(map(max, zip(*(o.costs for o in observed), strict=True)))
        vector: Vector = observed[-1].vector or ()
        for _ in range(self.attempts):
            trial = inner.ask(known)
            vector = vector_of_params(trial.params, space)
            inner.tell(trial, state=TrialState.FAIL)
            if space.feasible(vector) and len(unseen.of(np.array([vector]))):
                return vector
            if not space.feasible(vector):
                generation = len(observed) // POPULATION
                inner.add_trial(self._told(vector, worst, dearest, single, generation))
        return lowered(vector, unseen, rng)

    def _told(
        self,
        vector: Vector,
        score: float,
        costs: Sequence[float],
        single: bool,
        generation: int,
    ) -> FrozenTrial:
        cost = self.space.cost(vector)
        gates = {d.name: False for d in self.space.dimensions if d.kind == "gate"}
        return create_trial(
            params=gates | params_of(vector, self.space),
            distributions=distributions(self.space),
            values=[score] if single else [score, math.log10(max(1, cost)), *costs],
            constraints={"budget": cost / self.space.limit - 1},
            system_attrs={"NSGAIISampler:generation": generation},
        )


def lowered(vector: Vector, unseen: Unseen, rng: np.random.Generator) -> Vector:
    """Sizes lowered at random until the point is feasible; a neighbour of it if that was seen."""
    space = unseen.space
    made = list(vector)
    while space.cost(made) > space.limit:
        options = [i for i in space.size_dimensions.tolist() if made[i] > 0]
        i = options[int(rng.integers(len(options)))]
        made[i] = int(rng.integers(made[i]))
    point = np.array([space.canonical(made)])
    if not space.feasible(point[0].tolist()):
        return tuple(unseen.sample(rng, 1)[0].tolist())
    if len(unseen.of(point)) == 0:
        near = unseen.of(feasible_neighbours(space, point[0].tolist()))
        near = near if len(near) else unseen.sample(rng, 1)
        point = near[rng.integers(len(near))][None]
    return tuple(point[0].tolist())


class AutoPEFTSampler(RivalSampler):
    """AutoPEFT's Bayesian optimisation: two SAAS models by NUTS, copula transform, qNEHVI.

    Its local search is done right: it returns the best point it evaluated, about 2,000 of them.

    Args:
        warmup, samples: of NUTS; thinned by 4.

    Raises:
        UnavailableError: numpyro or jax is not installed.
    """

    def __init__(
        self,
        space: BoundSpace,
        *,
        random_seed: int,
        start: int = START,
        warmup: int = 64,
        samples: int = 32,
    ) -> None:
        super().__init__(space, random_seed=random_seed, start=start)
        for package in ("numpyro", "jax"):
            if find_spec(package) is None:
                raise UnavailableError(
                    f"sampler 'autopeft' needs {package}; run: pip install 'autopelt[autopeft]', "
                    f"or take another {parameter('sampler')} (pelt, tpe, nsga2, gp, random)."
                )
        self.warmup, self.samples = warmup, samples

    def choose(
        self,
        observed: Sequence[Observation],
        unseen: Unseen,
        rng: np.random.Generator,
        single: bool,
    ) -> Vector:
        """Fit both models, maximise the Monte-Carlo acquisition by sampling and local search."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what botorch imports and of rough fits
            return self._choose(observed, unseen, rng, single)

    def _choose(
        self,
        observed: Sequence[Observation],
        unseen: Unseen,
        rng: np.random.Generator,
        single: bool,
    ) -> Vector:
        import torch
        from botorch.acquisition.logei import qLogNoisyExpectedImprovement
        from botorch.acquisition.multi_objective.monte_carlo import (
            qNoisyExpectedHypervolumeImprovement,
        )
        from botorch.fit import fit_fully_bayesian_model_nuts
        from botorch.models.fully_bayesian import SaasFullyBayesianSingleTaskGP
        from botorch.models.model_list_gp_regression import ModelListGP
        from botorch.sampling.normal import SobolQMCNormalSampler
        from scipy.stats import norm, rankdata

        longest = np.array([max(1, len(d.values) - 1) for d in self.space.dimensions])

        def inputs(matrix: Matrix) -> torch.Tensor:
            return torch.from_numpy(matrix / longest)

        vectors = np.array([o.vector for o in observed], dtype=np.int64)
        columns = [[o.score for o in observed]]
        if not single:
            columns.append([-float(o.parameters) for o in observed])
            columns += [[-v for v in values] for values in zip(*(o.costs for o in observed))]
        ranks = np.array([rankdata(column) / (len(observed) + 1) for column in columns])
        targets = torch.from_numpy(norm.ppf(ranks).T.copy())
        models = []
        for column in range(targets.shape[1]):
            model = SaasFullyBayesianSingleTaskGP(inputs(vectors), targets[:, column : column + 1])
            fit_fully_bayesian_model_nuts(
                model,
                warmup_steps=self.warmup,
                num_samples=self.samples,
                thinning=4,
                disable_progbar=True,
                seed=int(rng.integers(2**31)),
            )
            models.append(model)
        draws = SobolQMCNormalSampler(torch.Size([64]), seed=int(rng.integers(2**31)))
        function: torch.nn.Module
        if single:
            function = qLogNoisyExpectedImprovement(models[0], inputs(vectors), draws)
        else:
            function = qNoisyExpectedHypervolumeImprovement(
                ModelListGP(*models),
                ref_point=[float(t) for t in targets.min(dim=0).values - 0.1],
                X_baseline=inputs(vectors),
                sampler=draws,
                prune_baseline=True,
            )

        def acquisition(matrix: Matrix) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
            with torch.no_grad():
                parts = [function(part) for part in inputs(matrix)[:, None].split(256)]
            return np.asarray(torch.cat(parts).numpy())

        order = np.argsort([-o.score for o in observed])[:10]
        parents = [v for i in order if (v := observed[i].vector) is not None]
        effort = Effort(samples=200, starts=2, steps=8, pairs=20)
        return best_candidate(unseen, acquisition, parents, rng, effort)[0]


def _tpe(seed: int) -> optuna.samplers.BaseSampler:
    return optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=1)


def _nsga2(seed: int) -> optuna.samplers.BaseSampler:
    return optuna.samplers.NSGAIISampler(seed=seed, population_size=POPULATION)


def _gp(seed: int) -> optuna.samplers.BaseSampler:
    # The function only says that there is a constraint; its values are in the trials told.
    return optuna.samplers.GPSampler(seed=seed, n_startup_trials=1, deterministic_objective=False)


SAMPLERS: dict[str, Callable[[BoundSpace, int], FeasibleSampler]] = {
    "pelt": lambda space, seed: PELTSampler(space, random_seed=seed),
    "random": lambda space, seed: RandomFeasibleSampler(space, random_seed=seed),
    "tpe": lambda space, seed: OptunaRival(space, random_seed=seed, make=_tpe),
    "nsga2": lambda space, seed: OptunaRival(space, random_seed=seed, make=_nsga2),
    "gp": lambda space, seed: OptunaRival(space, random_seed=seed, make=_gp, attempts=1),
    "autopeft": lambda space, seed: AutoPEFTSampler(space, random_seed=seed),
}


def make_sampler(
    name: str,
    space: BoundSpace,
    random_seed: int,
    start: int = START,
    source: Sequence[Observation] = (),
) -> FeasibleSampler:
    """The sampler of that name.

    Args:
        start: space-filling proposals of ours before its model decides.
        source: another study's trials, for ours to learn from; rivals do not.

    Raises:
        UsageError: the name is unknown.
        UnavailableError: it needs a package that is not installed.
    """
    if name not in SAMPLERS:
        raise UsageError(f"sampler '{name}' is unknown: {did_you_mean(name, SAMPLERS)}")
    if name == "pelt":
        return PELTSampler(space, random_seed=random_seed, start=start, source=source)
    return SAMPLERS[name](space, random_seed)
