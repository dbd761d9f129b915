"""Early stopping for a front: what can still join it is trained to the end.

At each rung (`autopelt.study.rungs`) a trial that has begun goes on if any of this holds:

1. it is a seed architecture or from a warm start, or fewer than `COMPLETE` trials are complete, or
   fewer than `SUPPORT` of them were about as far at this rung: nobody knows yet what becomes of
   such curves;
2. its score so far beats the front at its size already;
3. its score so far is not below the median (`LEADING`) of the trials of its size at this rung;
4. the chance that its final score beats the front at its size is at least `CHANCE`. Two sources say
   what that score may be: the gains of complete curves from this rung on (`curves`), and the
   surrogate, which knows the architecture.

So no trial is stopped for its score alone. A small architecture is compared with small ones, and
with the front where it is small.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from autopelt.samplers.curves import extrapolate
from autopelt.samplers.history import Reader
from autopelt.samplers.pelt import PELTSampler
from autopelt.space.bound import BoundSpace
from autopelt.study.config import StudyConfig
from autopelt.study.rungs import rungs

COMPLETE = 8
SUPPORT = 3.0
PEERS = 5
BAND = 0.4
"""Half the width of the band of similar sizes, in decades; wider where it holds too few trials."""
LEADING = 0.5
CHANCE = 0.1

SPARED = ("seed", "warm", "repeat")
"""Origins of trials that are always trained to the end: they are there for their final score."""


@dataclass(frozen=True)
class Curve:
    """A trial as the rule sees it.

    Attributes:
        parameters: deployed.
        scores: after epochs 1, 2, …
        complete: trained to the end.
    """

    parameters: int
    scores: tuple[float, ...]
    complete: bool = False

    @property
    def best(self) -> float:
        """Score of the best epoch."""
        return max(self.scores)


def reason_to_stop(
    trial: Curve,
    others: Sequence[Curve],
    *,
    limit: int,
    reference_score: float,
    single: bool,
    prediction: Callable[[], tuple[float, float]],
) -> str:
    """Why a trial that has reached a rung is to be stopped, in one sentence, or "".

    Args:
        trial: what runs.
        others: trials of the study that have at least one epoch.
        limit: the budget.
        reference_score: of the front; that of the head alone.
        single: the score is the only objective, so size does not matter.
        prediction: mean and deviation of the final score by the surrogate; called where needed.
    """
    rung = len(trial.scores)
    whole = [o for o in others if o.complete]
    final = extrapolate(trial.scores, [o.scores for o in whole])
    if len(whole) < COMPLETE or final is None or final.support < SUPPORT:
        return ""
    inside = [o for o in whole if o.parameters <= limit]
    if single:
        to_beat = max((o.best for o in inside), default=-math.inf)
    elif trial.parameters >= limit:
        to_beat = math.inf
    else:
        smaller = [o.best for o in inside if o.parameters <= max(1, trial.parameters)]
        to_beat = max([reference_score, *smaller])
    if trial.best > to_beat:
        return ""
    peers = of_similar_size(trial, [o for o in others if len(o.scores) >= rung], single)
    so_far = sorted(max(o.scores[:rung]) for o in peers)
    leading = so_far[min(len(so_far) - 1, int(len(so_far) * LEADING))]
    if trial.best >= leading:
        return ""
    chance = final.probability(to_beat, *prediction())
    if chance >= CHANCE:
        return ""
    whose = "trials" if single else "trials of its size"
    return (
        f"after epoch {rung} its score {trial.best:.4g} was behind the leading {whose} "
        f"({leading:.4g}), and its chance to end above {to_beat:.4g}, the front there, was "
        + (f"{chance:.0%}" if chance >= 0.01 else "under 1%")
    )


def of_similar_size(trial: Curve, others: Sequence[Curve], single: bool) -> list[Curve]:
    """Trials of similar size: within `BAND` decades, at least the nearest `PEERS`."""
    if single:
        return list(others)
    size = math.log10(max(1, trial.parameters))
    apart = sorted((abs(math.log10(max(1, o.parameters)) - size), i) for i, o in enumerate(others))
    return [others[i] for n, (distance, i) in enumerate(apart) if n < PEERS or distance <= BAND]


class EarlyStopping:
    """The rule on an Optuna study, whatever its sampler.

    Args:
        space: of the study.
        epochs: of a whole trial.
        single: the score is the only objective.
        sampler: whose surrogate is shared if it has one.
    """

    def __init__(
        self, space: BoundSpace, epochs: int, single: bool, sampler: BaseSampler | None = None
    ) -> None:
        self.space, self.single = space, single
        self.rungs = rungs(epochs)
        self._reader = Reader(space)
        self._sampler = (
            sampler if isinstance(sampler, PELTSampler) else PELTSampler(space, random_seed=0)
        )

    @classmethod
    def of(
        cls, config: StudyConfig, space: BoundSpace, sampler: BaseSampler
    ) -> "EarlyStopping | None":
        """What a configuration asks for; None where no trial is to be stopped."""
        if not config.early_stopping:
            return None
        return cls(space, config.training.epochs, not config.objectives.weigh_costs, sampler)

    def reason(self, trials: Sequence[FrozenTrial], number: int) -> str:
        """Why trial `number`, whose attribute `scores` has just grown, is to be stopped, or "".

        Args:
            trials: all trials of the study; its scores are in their attribute ``scores``.
        """
        trial = next(t for t in trials if t.number == number)
        scores = tuple(trial.user_attrs.get("scores", ()))
        if len(scores) not in self.rungs or trial.user_attrs.get("origin") in SPARED:
            return ""
        own = self._reader.observation(trial)
        if own is None:
            return ""
        others, alone = [], []
        for t in trials:
            seen = tuple(t.user_attrs.get("scores", ()))
            known = self._reader.observation(t) if seen and t.number != number else None
            if known is None or t.state == TrialState.FAIL:
                continue
            others.append(Curve(known.parameters, seen, t.state == TrialState.COMPLETE))
            if others[-1].complete and not known.architecture.modules:
                alone.append(others[-1].best)
        complete = [o.best for o in others if o.complete]
        return reason_to_stop(
            Curve(own.parameters, scores),
            others,
            limit=self.space.limit,
            reference_score=max(alone, default=min(complete, default=0.0)),
            single=self.single,
            prediction=lambda: self._sampler.model.predict(self._reader.read(trials, number), own),
        )
