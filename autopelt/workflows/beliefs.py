"""What a running search believes of its architectures, and which of them it trains again."""

import math
from collections import Counter

import optuna

from autopelt.samplers import PELTSampler
from autopelt.samplers.history import ENOUGH, Observation, Reader
from autopelt.samplers.posterior import beliefs
from autopelt.study.record import COMPLETE, RUNNING, StudyRecord, TrialRecord
from autopelt.study.storage import StudyStorage
from autopelt.workflows.plan import Plan

REPEAT = "repeat"
"""Origin of a trial that trains an architecture of the study again."""


class Beliefs:
    """The surrogate's side of a running search: ours, whatever sampler proposes."""

    def __init__(self, plan: Plan, sampler: optuna.samplers.BaseSampler) -> None:
        limits = dict(plan.config.objectives.limits)
        self.plan, self._reader = plan, Reader(plan.space, tuple(limits))
        own = PELTSampler(plan.space, random_seed=0, limits=limits)
        self._sampler = sampler if isinstance(sampler, PELTSampler) else own

    def update(self, study: StudyStorage) -> None:
        """Keep in the study what is believed after the trials that have ended."""
        self._sampler.recall(study.optuna)
        ended = sorted(study.record().complete, key=lambda t: (t.finished or math.inf, t.number))
        model = self._sampler.model if len(ended) >= ENOUGH else None
        study.believe(beliefs(self.plan.space, ended, model))
        self._sampler.keep(study.optuna)

    def repeats_now(self, record: StudyRecord) -> bool:
        """Whether what is left of the study is for trainings again."""
        done = sum(t.origin == REPEAT for t in record.trials)
        return self.plan.config.total_repeats - done >= self.plan.config.trials - len(record.trials)

    def contender(self, study: StudyStorage, number: int) -> TrialRecord | None:
        """The first trial of the architecture to train again in trial `number`, if there is one.

        By the knowledge gradient, for the best architecture and for the front in turn where the
        study asks for both; where too few trials have ended, the one with the highest score. Every
        second one goes to the verdict: to the best that was found or to the best made by hand,
        whichever stands on fewer trainings.
        """
        record, objectives = study.record(), self.plan.config.objectives
        done = sum(t.origin == REPEAT for t in record.trials)
        if done % 2 and (behind := less_trained(record)) is not None:
            return behind
        history = self._reader.read(study.trials(), number)
        known: Observation | None = None
        if len({o.score for o in history.observed}) >= ENOUGH:
            single = not objectives.weigh_costs or (objectives.best_too and done % 2 == 0)
            known = self._sampler.model.contender(history, single)
        elif record.best is not None:
            return record.best
        if known is None:
            return None
        return next(
            t
            for t in record.trials
            if t.state == COMPLETE and t.architecture.id == known.architecture.id
        )


def less_trained(record: StudyRecord) -> TrialRecord | None:
    """Of the best found and the best by hand the one with fewer trainings, running ones too.

    The luckiest of many looks better than a single training of its rival, and surely so.

    Returns:
        None where there are as many of both, or only one side.
    """
    sides = (record.best_found, record.best_seed)
    begun = Counter(t.architecture for t in record.trials if t.state in (COMPLETE, RUNNING))
    known = [(begun[t.architecture], t) for t in sides if t is not None]
    if len(known) < 2 or known[0][0] == known[1][0]:
        return None
    return min(known, key=lambda k: k[0])[1]
