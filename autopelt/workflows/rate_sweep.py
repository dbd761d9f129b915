"""Learning rates of hand-made architectures go on while the best is at the end of what was tried.

A search that tries more rates than a person did finds a rate, not an architecture. So the best
hand-made ones are tried further before anything is proposed.
"""

from dataclasses import replace

from autopelt.architecture.architecture import Architecture
from autopelt.space.rates import nearest
from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.workflows.entries import Entry, first_rates

FAMILIES = 2
"""Hand-made architectures whose rates go on."""
SMALL = 0.1
"""Of the budget: the best one below that counts as well; small ones want the highest rates."""
FURTHER = 4
"""Trainings that this may take in all, in a study of 40 trials or more; one in ten of fewer."""


def next_rate(record: StudyRecord) -> Entry | None:
    """The next hand-made architecture at a further rate, or None where enough is known.

    Of the two best within the budget, by expected score, and the best small one: twice the rate
    where the highest that was tried is the best of several, half of it where the lowest is. A small
    one that was tried at the higher of the first rates alone goes on from there.
    """
    space = record.config.space
    families: dict[Architecture, list[TrialRecord]] = {}
    for trial in record.trials:
        if trial.label and record.feasible(trial) and trial.architecture.modules:
            family = replace(trial.architecture, learning_rate_multiplier=1.0)
            families.setdefault(family, []).append(trial)
    further = sum(
        _rate(t) not in first_rates(record.config) for ts in families.values() for t in ts
    )
    if further >= min(FURTHER, record.total // 10):
        return None

    def best(trials: list[TrialRecord]) -> TrialRecord | None:
        ended = [t for t in trials if t.score is not None]
        return max(ended, key=record.expected, default=None)

    leading = [(top, trials) for trials in families.values() if (top := best(trials)) is not None]
    leading.sort(key=lambda item: -record.expected(item[0]))
    own, high = first_rates(record.config)
    small = next((t for t, _ in leading if t.count.deployed <= SMALL * record.limit), None)
    for place, (top, trials) in enumerate(leading):
        if place >= FAMILIES and top is not small:
            continue
        tried = sorted({_rate(t) for t in trials})
        goes_on = top is small and tried == [high] and own != high
        if not goes_on and (len(tried) < 2 or _rate(top) not in (tried[0], tried[-1])):
            continue
        wanted = _rate(top) * (2 if _rate(top) == tried[-1] else 0.5)
        rate = nearest(wanted, space.rates)
        if rate in tried:
            continue
        name = top.label.split(" x")[0]
        label = name if rate == 1 else f"{name} x{rate:g}"
        return Entry(label, replace(top.architecture, learning_rate_multiplier=rate))
    return None


def _rate(trial: TrialRecord) -> float:
    return trial.architecture.learning_rate_multiplier
