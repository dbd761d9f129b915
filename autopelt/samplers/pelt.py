"""Our Optuna samplers: `PELTSampler` (Bayesian) and `RandomFeasibleSampler`.

Both are ordinary samplers for studies whose trials are filled by `autopelt.samplers.suggest`::

    space = SearchSpace.load("pelt")
    bound = BoundSpace(space, shapes, counter, limit=300_000)
    study = optuna.create_study(directions=["maximize", "minimize"],
                                sampler=PELTSampler(bound, random_seed=0))
    study.optimize(lambda t: train_and_count(suggest(t, bound)), n_trials=100)

The first objective is the score, maximised (or a loss, in a study that minimises it); the second,
where there is one, is the number of deployed parameters, minimised; any others are costs that the
trials are told with, minimised too.
State is the study itself: the same trials and the same random seed give the same proposal.
"""

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from typing_extensions import override

from autopelt.samplers.features import Features
from autopelt.samplers.history import ENOUGH, History, Observation, Reader
from autopelt.samplers.local_search import Unseen
from autopelt.samplers.parameters import distributions, params_of
from autopelt.samplers.start import space_filling, untried
from autopelt.space.bound import BoundSpace
from autopelt.space.tables import Vector

if TYPE_CHECKING:
    from autopelt.samplers.model import Acquisition, Model

START = 10
"""Space-filling proposals before the surrogate decides, beside the seed architectures."""
FITS = "surrogate"
"""User attribute of a study: hyperparameters of fits that others begin from."""
NO_LIMITS: Mapping[str, float] = MappingProxyType({})
SHARE = 0.5
"""Of the proposals, those that ask for the best score; docs/search.md says what both give."""


@dataclass(frozen=True)
class Proposal:
    """A point to train next.

    Attributes:
        origin: ``start`` for a space-filling proposal, ``model`` for one of the model's.
        prediction: what the model says of it, see `FeasibleSampler.belief`; empty without a model.
    """

    vector: Vector
    origin: str = "start"
    prediction: dict[str, float] = field(default_factory=dict)


class FeasibleSampler(optuna.samplers.BaseSampler):
    """Proposes feasible points that are new to the study; what they are is for a subclass to say.

    Args:
        space: what may be proposed.
        random_seed: with the study's trials it determines every proposal.
        limits: the most that measured costs may be, by name; a trial's are its user attribute
            ``costs``.
    """

    def __init__(
        self, space: BoundSpace, *, random_seed: int, limits: Mapping[str, float] = NO_LIMITS
    ) -> None:
        self.space = space
        self.random_seed = random_seed
        self.limits = dict(limits)
        self._reader = Reader(space, tuple(limits))
        self._proposals: dict[int, Proposal] = {}

    def propose(self, history: History, rng: np.random.Generator, single: bool) -> Proposal:
        """The next point.

        Raises:
            SpaceExhaustedError: every feasible point is in the study.
        """
        raise NotImplementedError

    def belief(self, number: int) -> dict[str, float]:
        """What was predicted of a trial when it was proposed.

        Returns:
            ``mean``, ``sd`` (of the score), ``acquisition`` and ``seconds`` (to propose); empty
            where nothing was predicted.
        """
        return dict(self._proposals[number].prediction) if number in self._proposals else {}

    def origin(self, number: int) -> str:
        """``start`` for a space-filling proposal, ``model`` for one of the model's, else empty."""
        return self._proposals[number].origin if number in self._proposals else ""

    def recall(self, study: optuna.Study) -> None:
        """Take over what the study keeps for its sampler."""

    def keep(self, study: optuna.Study) -> None:
        """Let the study keep what makes the next proposal cheap after it is opened again."""

    # ------------------------------------------------------------------ Optuna's side
    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """All dimensions of the space; of a trial with given parameters none."""
        del study
        return {} if "fixed_params" in trial.system_attrs else distributions(self.space)

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """Parameters of the next point.

        Raises:
            SpaceExhaustedError: every feasible point is in the study.
        """
        if not search_space:
            return {}
        begun = time.perf_counter()
        history = self._reader.read(study.get_trials(deepcopy=False), trial.number)
        minimised = study.directions[0] == StudyDirection.MINIMIZE
        if minimised:  # everything here maximises
            history.observed = [replace(o, score=-o.score) for o in history.observed]
        rng = np.random.default_rng((self.random_seed, trial.number))
        self.recall(study)
        proposal = self.propose(history, rng, len(study.directions) == 1)
        self.keep(study)
        self._proposals[trial.number] = proposal
        if minimised and "mean" in proposal.prediction:
            proposal.prediction["mean"] *= -1
        if proposal.prediction:
            proposal.prediction["seconds"] = time.perf_counter() - begun
        return params_of(proposal.vector, self.space, absent_gates=True)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """A random value, for a parameter that is not of the space."""
        seed = int(np.random.default_rng((self.random_seed, trial.number)).integers(2**31))
        independent = optuna.samplers.RandomSampler(seed=seed)
        return independent.sample_independent(study, trial, param_name, param_distribution)

    def reseed_rng(self) -> None:
        """Nothing to do: proposals depend on the random seed and the trial's number alone."""


class RandomFeasibleSampler(FeasibleSampler):
    """Random feasible points, about log-uniform in parameters, none twice."""

    def propose(self, history: History, rng: np.random.Generator, single: bool) -> Proposal:
        """A random point."""
        del single
        return Proposal(Unseen(self.space, history.seen).one(rng))


class PELTSampler(FeasibleSampler):
    """Bayesian optimisation of the best score under the budget and of the front.

    After `start` space-filling proposals a Gaussian process of the score (`surrogate`) and the
    exact expected improvement, of the best score and of the front (`acquisition`) in turn, choose.
    Trials that are being trained count with their expected scores.

    Args:
        space: what may be proposed.
        random_seed: with the study's trials it determines every proposal.
        start: space-filling proposals before the model decides.
        share: of the model's proposals that ask for the best score under the budget; the others ask
            for the front. Of a study whose only objective is the score all do.
        acquisition: what the proposals maximise instead, by the surrogate and the best expected
            score within the budget: any acquisition function of BoTorch, on features.
        source: scored trials of another study, which the model may learn from; their numbers must
            differ from one another only.
        limits: see `FeasibleSampler`.
    """

    def __init__(
        self,
        space: BoundSpace,
        *,
        random_seed: int,
        start: int = START,
        share: float = SHARE,
        acquisition: "Acquisition | None" = None,
        source: Sequence[Observation] = (),
        limits: Mapping[str, float] = NO_LIMITS,
    ) -> None:
        super().__init__(space, random_seed=random_seed, limits=limits)
        self.start, self.share, self.acquisition = start, share, acquisition
        self.source = tuple(source)
        self._kept: dict[str, list[float]] = {}
        self._recalled = False

    @cached_property
    def features(self) -> Features:
        """What the model sees of an architecture; made at first use."""
        return Features(self.space)

    @cached_property
    def model(self) -> "Model":
        """Features and surrogate; loads torch at first use."""
        from autopelt.samplers.model import Model

        return Model(self.space, self.features, self.source, tuple(self.limits.values()))

    def propose(self, history: History, rng: np.random.Generator, single: bool) -> Proposal:
        """A point to start from at first, then the model's.

        Once there are scores enough, a start is the best that the model knows among what can be
        told in a few words: from coarse to fine. What no trial has had in any place is in it, as
        long as there is such a thing: by scores alone that might never be tried.
        """
        starts = history.begins(self.start)
        known = len({o.score for o in history.observed}) >= ENOUGH
        among = untried(self.space, history) if starts and known else ()
        unseen = Unseen(self.space, history.seen, simple=starts and known, among=among)
        if (starts and not known) or len(history.observed) < 3:
            return Proposal(space_filling(self.space, self.features, history, unseen, rng))
        single = single or self.asks_for_the_best(history.asking)
        vector, prediction = self.model.propose(history, unseen, rng, single, self.acquisition)
        return Proposal(vector, "start" if starts else "model", prediction)

    @override
    def recall(self, study: optuna.Study) -> None:
        if not self._recalled and FITS in study.user_attrs:
            self.model.remember(json.loads(study.user_attrs[FITS]))
        self._recalled = True

    @override
    def keep(self, study: optuna.Study) -> None:
        if "model" in self.__dict__ and (kept := self.model.kept) != self._kept:
            study.set_user_attr(FITS, json.dumps(kept))
            self._kept = kept

    def asks_for_the_best(self, number: int) -> bool:
        """Whether trial `number` asks for the best score and not for the front."""
        return math.floor((number + 1) * self.share) > math.floor(number * self.share)
