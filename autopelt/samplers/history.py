"""What a study has seen, read from its Optuna trials: scores, pending trials, known points."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from optuna.trial import FrozenTrial, TrialState

from autopelt.architecture.architecture import Architecture
from autopelt.errors import AutopeltError
from autopelt.samplers.curves import extrapolate
from autopelt.samplers.parameters import ARCHITECTURE, check_space, vector_of
from autopelt.space.bound import BoundSpace
from autopelt.space.tables import Vector

MOST_KNOWN = 512
"""Trials that the posterior is conditioned on, which takes their cube."""
ENOUGH = 5
"""Fewer scores teach the surrogate nothing about noise."""


@dataclass(frozen=True)
class Observation:
    """One trial as the surrogate needs it.

    Attributes:
        number: number of the trial.
        architecture: what was trained, or is being trained.
        parameters: deployed.
        vector: its point, None where the space cannot express it.
        score: final score; NaN while it is trained.
        variance: of `score` beyond the common noise (of a trial that was stopped early).
        costs: its values of the objectives after score and parameters, if the study has any.
        limited: its measured costs that have a limit, in the limits' order; empty where unknown.
    """

    number: int
    architecture: Architecture
    parameters: int
    vector: Vector | None
    score: float = math.nan
    variance: float = 0.0
    costs: tuple[float, ...] = ()
    limited: tuple[float, ...] = ()


@dataclass
class History:
    """The trials of a study at one moment.

    Attributes:
        observed: with a score, in the order in which they ended: the first k of them never change.
        pending: being trained.
        seen: points of all trials, failed and waiting ones too.
        started: space-filling proposals so far.
        modelled: whether a model has proposed already.
        asking: number of the trial that asks.
    """

    observed: list[Observation] = field(default_factory=list)
    pending: list[Observation] = field(default_factory=list)
    seen: list[Vector] = field(default_factory=list)
    started: int = 0
    modelled: bool = False
    asking: int = 0

    def begins(self, start: float) -> bool:
        """Whether the next proposal is one of the `start` that come before the model's.

        What the model has begun it goes on with, also where a study that was given more trials
        would have started with more.
        """
        return self.started < start and not self.modelled


class Reader:
    """Reads the history of a study; remembers what it decoded, as architectures never change.

    Args:
        limited: names of the measured costs that have a limit.
    """

    def __init__(self, space: BoundSpace, limited: Sequence[str] = ()) -> None:
        self.space, self.limited = space, tuple(limited)
        self._known: dict[int, tuple[str, Observation]] = {}
        self._checked: set[int] = set()

    def read(self, trials: Sequence[FrozenTrial], asking: int) -> History:
        """History before trial `asking`, which is left out.

        Trials whose architecture cannot be read, and full fine-tuning, teach nothing.

        Raises:
            UsageError: the space of the study has changed.
        """
        new = [t for t in trials if t.number not in self._checked and t.state.is_finished()]
        check_space(new, self.space)
        self._checked |= {t.number for t in new}
        history = History(asking=asking)
        ended: list[tuple[float, int, Observation]] = []
        stopped: list[FrozenTrial] = []
        for trial in trials:
            if trial.number == asking:
                continue
            if trial.number < asking:
                queued = "fixed_params" in trial.system_attrs
                origin = trial.user_attrs.get("origin", "" if queued else "start")
                history.started += origin == "start"
                history.modelled |= origin == "model"
            vector, observation = self._of(trial)
            if vector is not None:
                history.seen.append(vector)
            if observation is None:
                continue
            if trial.state == TrialState.RUNNING:
                history.pending.append(observation)
            elif trial.state == TrialState.COMPLETE and trial.values is not None:
                score = float(trial.values[0])
                if math.isfinite(score):
                    end = trial.datetime_complete
                    when = end.timestamp() if end is not None else 0.0
                    costs = tuple(float(v) for v in trial.values[2:])
                    measured = trial.user_attrs.get("costs", {})
                    limited = tuple(measured[n] for n in self.limited if n in measured)
                    scored = replace(observation, score=score, costs=costs, limited=limited)
                    ended.append((when, trial.number, scored))
            elif trial.state == TrialState.PRUNED and trial.user_attrs.get("scores"):
                stopped.append(trial)
        ended.sort(key=lambda e: e[:2])
        history.observed = [o for _, _, o in ended]
        history.observed += self._extrapolated(stopped, trials)
        return history

    def observation(self, trial: FrozenTrial) -> Observation | None:
        """What a trial trains, without its score; None where it cannot be read."""
        return self._of(trial)[1]

    def _of(self, trial: FrozenTrial) -> tuple[Vector | None, Observation | None]:
        text = trial.user_attrs.get(ARCHITECTURE, "")
        known = self._known.get(trial.number)
        if text and known is not None and known[0] == text:
            return known[1].vector, known[1]
        vector = vector_of(trial, self.space)
        try:
            if text:
                architecture = Architecture.from_json(text)
            elif vector is not None:
                architecture = self.space.decode(vector)
            else:
                return None, None
            if architecture.full:
                return None, None
            parameters = self.space.counter.count(architecture).deployed
        except (AutopeltError, ValueError):
            return vector, None
        observation = Observation(trial.number, architecture, parameters, vector)
        if text:
            self._known[trial.number] = (text, observation)
        return vector, observation

    def _extrapolated(
        self, stopped: Sequence[FrozenTrial], trials: Sequence[FrozenTrial]
    ) -> list[Observation]:
        """Trials stopped early, each with the score it would probably have ended with.

        To its best score is added what complete trials gained from the same epoch to their end,
        first of all those that were about as far; the variance of that is the observation's own.
        """
        complete = [
            t.user_attrs["scores"]
            for t in trials
            if t.state == TrialState.COMPLETE and t.user_attrs.get("scores")
        ]
        observations = []
        for trial in stopped:
            observation = self.observation(trial)
            final = extrapolate(trial.user_attrs["scores"], complete)
            if observation is not None and final is not None:
                observations.append(replace(observation, score=final.mean, variance=final.variance))
        return observations


def thinned(observed: Sequence[Observation]) -> Sequence[Observation]:
    """Of more than `MOST_KNOWN` trials these: half of them the best, half evenly of the others."""
    half = MOST_KNOWN // 2
    if len(observed) <= MOST_KNOWN:
        return observed
    ranked = sorted(range(len(observed)), key=lambda i: -observed[i].score)
    best, others = ranked[:half], sorted(ranked[half:])
    evenly = [others[k * len(others) // half] for k in range(half)]
    return [observed[i] for i in sorted([*best, *evenly])]
