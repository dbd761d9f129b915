"""Card: did the search find something better than what one would have tried by hand?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from autopelt.cards.card import Card, Fact, NothingToShow
from autopelt.cards.cells import trial_fact
from autopelt.cards.confirmation import (
    Confirmed,
    confirmed,
    confirmed_facts,
    confirmed_lead,
    confirmed_note,
)
from autopelt.cards.expectation import all_plain, behind, learns
from autopelt.cards.noise import gap_error
from autopelt.cards.wording import STATE_WORDS, difference, name, parameters, plural, score
from autopelt.study.record import FAILED, RUNNING, STOPPED, StudyRecord, TrialRecord


@dataclass(frozen=True)
class Verdict:
    """Best within the budget against the best seed architecture within the budget.

    Attributes:
        value: expected score of `best`.
        gain: expected score of `best` minus that of `seed`; None without a seed architecture.
        error: standard error of `gain`; None if unknown.
        proposed: complete architectures within the budget that are no seed architectures.
        confirmed: what training again with fresh random seeds found, once there is something.
        reference: best seed architecture over the budget that beats everything within it.
    """

    best: TrialRecord
    seed: TrialRecord | None
    value: float
    gain: float | None
    error: float | None
    reference: TrialRecord | None
    proposed: int
    confirmed: Confirmed | None = None

    @property
    def within_noise(self) -> bool:
        """The gain is below two standard errors (or there is none)."""
        return self.gain is not None and self.error is not None and self.gain < 2 * self.error


def verdict(record: StudyRecord) -> Verdict:
    """Numbers of the card. Raises NothingToShow while no trial within the budget is complete."""
    best, seed = record.best, record.best_seed
    if best is None:
        raise NothingToShow(_why_nothing(record))
    value = record.expected(best)
    gain = error = None
    if seed is not None:
        gain = value - record.expected(seed)
        error = gap_error(record, best, seed) if seed is not best else None
    over = [
        t for t in record.architectures if not record.feasible(t) and record.expected(t) > value
    ]
    return Verdict(
        best,
        seed,
        value,
        gain,
        error,
        max(over, key=record.expected, default=None),
        sum(record.feasible(t) and not t.label for t in record.architectures),
        confirmed(record),
    )


def card(record: StudyRecord) -> Card:
    """The verdict in one sentence, and the numbers behind it."""
    v = verdict(record)
    return Card(lead(v), facts(v, record), note=note(v, record))


def lead(v: Verdict) -> str:
    """The verdict as one sentence."""
    if v.confirmed is not None:
        return confirmed_lead(v.confirmed)
    if v.seed is None or v.gain is None:
        return (
            f"The best architecture within the budget reaches {score(v.value)}; "
            "no seed architecture within the budget is complete to compare it with."
        )
    if v.best is v.seed and not v.proposed:
        return (
            f"The best seed architecture, {v.seed.label}, reaches {score(v.value)}; "
            "the search itself has not finished a proposal yet."
        )
    if v.best is v.seed:
        return (
            f"Nothing the search proposed beats the best seed architecture, {v.seed.label}, "
            f"which reaches {score(v.value)}."
        )
    if v.gain <= 0 or score(v.gain) == score(0.0):
        return (
            f"The search found an architecture as good as the best seed architecture, "
            f"{v.seed.label}, with {_parameters(v)}."
        )
    claim = (
        f"The search found an architecture that scores {score(v.gain)} above the best seed "
        f"architecture, {v.seed.label}"
    )
    if v.within_noise:
        return f"{claim}, but a gap of this size can be chance."
    return f"{claim}."


def _parameters(v: Verdict) -> str:
    """``35% fewer parameters``, of the best against the best seed architecture."""
    assert v.seed is not None
    saved = 1 - v.best.count.deployed / max(1, v.seed.count.deployed)
    if abs(saved) < 0.005:
        return "as many parameters"
    return f"{saved:.0%} fewer parameters" if saved > 0 else f"{-saved:.0%} more parameters"


def facts(v: Verdict, record: StudyRecord) -> tuple[Fact, ...]:
    """Best, seed and gain as large numbers."""
    if v.confirmed is not None:
        return confirmed_facts(v.confirmed, record)
    shown = [_fact("Best within the budget", v.best, record, strong=True)]
    if v.seed is not None and v.seed is not v.best and v.gain is not None:
        shown.append(_fact("Best seed architecture", v.seed, record))
        around = f"standard error {score(v.error)}" if v.error is not None else "spread unknown"
        shown.append(Fact("Difference", difference(v.gain), around))
    done = len(record.complete)
    shown.append(
        Fact("Trials", f"{done}", f"complete of {record.total}" + _others(record) if done else "")
    )
    return tuple(shown)


def _fact(words: str, t: TrialRecord, record: StudyRecord, strong: bool = False) -> Fact:
    more = " · ".join(filter(None, (behind(record, t), learns(record, t))))
    return trial_fact(words, score(record.expected(t)), t, strong, more)


def note(v: Verdict, record: StudyRecord) -> str:
    """What the verdict does not say: whence scores come, how large chance is, what is outside."""
    if v.confirmed is not None:
        return confirmed_note(v.confirmed, record)
    fresh = "before you rely on it, train it with other random seeds and score the report split."
    if all_plain(record):
        words = [
            f"Each architecture was trained once, with one random seed; its {record.metric} is of "
            "the selection split, which the search looked at."
        ]
        if v.error is not None:
            words.append(
                f"On {plural(record.task.selection or 0, 'example')} two equally good "
                f"architectures often lie up to {score(2 * v.error)} apart."
            )
        words.append(f"The best of many noisy scores is flattered by chance: {fresh}")
    else:
        words = [
            f"Scores are the {record.metric} that a training is expected to reach on the selection "
            f"split, given all {plural(len(record.complete), 'training')} of this study: the luck "
            "of single ones is taken out, and those that learned nothing are counted in. The "
            f"search looked at that split: {fresh}"
        ]
    if v.reference is not None:
        words.append(
            f"Outside the budget, {name(v.reference)} reaches "
            f"{score(record.expected(v.reference))} with {parameters(v.reference.count)} of the "
            "backbone."
        )
    return " ".join(words)


def _others(record: StudyRecord) -> str:
    counts = Counter(t.state for t in record.trials)
    states = [state for state in (FAILED, STOPPED, RUNNING) if counts[state]]
    return "".join(f" · {counts[state]} {STATE_WORDS[state]}" for state in states)


def _why_nothing(record: StudyRecord) -> str:
    failed = [t for t in record.trials if t.state == FAILED]
    running = sum(t.state == RUNNING for t in record.trials)
    if record.complete:
        seen = plural(len(record.complete), "trial")
        budget = plural(record.limit, "parameter")
        return (
            f"No architecture within the budget of {budget} is complete yet; "
            f"{seen} over the budget {'is' if len(record.complete) == 1 else 'are'} for reference."
        )
    if failed and not running:
        cause, times = Counter(t.reason or "no reason recorded" for t in failed).most_common(1)[0]
        how = "for one cause" if times == len(failed) else f"{times} of them for this cause"
        return (
            f"{plural(len(failed), 'trial')} failed and none finished, {how}: {cause.rstrip('.')}."
        )
    if running:
        return (
            f"No trial is complete yet; {plural(running, 'trial')} running. Reload this page later."
        )
    return "No trial has started yet. Reload this page once the search has begun."
