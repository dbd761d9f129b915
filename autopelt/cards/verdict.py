"""Card: what the study answers, against what one would have tried by hand.

The same sentences are in the terminal, in `autopelt status` and in the events.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from autopelt.cards.card import Card, Fact, Finding, NothingToShow
from autopelt.cards.cells import trial_fact
from autopelt.cards.confirmation import confirmed, confirmed_facts, confirmed_note, nothing_learned
from autopelt.cards.expectation import all_plain, all_scores, behind, direction, learns
from autopelt.cards.rate_ends import at_the_end
from autopelt.cards.wording import (
    STATE_WORDS,
    bounds,
    difference,
    listed,
    name,
    parameters,
    plural,
    score,
    share,
    told,
)
from autopelt.statistics.paired import LIKELY
from autopelt.study.answer import SURE, Answer, FrontGain, Smallest, answer
from autopelt.study.noise import gap_error
from autopelt.study.objectives import format_cost
from autopelt.study.record import FAILED, RUNNING, STOPPED, StudyRecord, TrialRecord

BUDGET, SMALLEST = "At this budget", "The smallest that is as good"
FRONT, RATE = "The front", "The learning rate"
ON_REPORT = " on the report split"


def answered(record: StudyRecord) -> Answer:
    """Numbers of the card. Raises NothingToShow while no trial within the budget is complete."""
    found = answer(record)
    if found is None:
        raise NothingToShow(_why_nothing(record))
    return found


def card(record: StudyRecord) -> Card:
    """The verdict in one sentence, what else there is to say, and the numbers behind it."""
    a = answered(record)
    first, more = _said(a, record)
    findings = tuple(Finding("note", what, sentence) for what, sentence in more)
    said = filter(None, (note(a, record), other_scores(record), direction(record)))
    return Card(first, facts(a, record), findings=findings, note=" ".join(said))


def other_scores(record: StudyRecord) -> str:
    """All scores of the best, as a sentence: of the report split where that is known; else ""."""
    best, split = record.confirmed_best or record.best, "selection"
    if best is None:
        return ""
    metrics = best.metrics
    for c in record.confirmed:
        if c.trial == best.number and c.metrics:
            metrics, split = c.metrics, "report"
    scores = [(what, value) for what, value in all_scores(metrics) if "[" not in what]
    told = listed([f"{what} {value}" for what, value in scores])  # groups' are in a table
    return f"All scores of {name(best)} on the {split} split: {told}." if scores[1:] else ""


def lines(record: StudyRecord) -> list[str]:
    """The verdict for a terminal: its first sentence, then each further one after its subject."""
    first, more = _said(answered(record), record)
    return [first, *(f"{what}: {sentence}" for what, sentence in more)]


def _said(a: Answer, record: StudyRecord) -> tuple[str, list[tuple[str, str]]]:
    """The first sentence, and what it does not say already."""
    first = _capital(_lead(a, record))
    more = dict(_sentences(a, record))
    if first == _capital(_at_budget(a, record, short=True)) and (numbers := _numbers(a, record)):
        more[BUDGET] = f"{numbers.details}.{numbers.lost}"
    return first, [(what, sentence) for what, sentence in more.items() if sentence != first]


def lead(record: StudyRecord) -> str:
    """The most that the study gained, as one sentence; else what to take.

    Raises NothingToShow while no trial within the budget is complete.
    """
    return _capital(_lead(answered(record), record))


def _lead(a: Answer, record: StudyRecord) -> str:
    if a.gain is None or a.hand is None:
        return _at_budget(a, record)
    if a.gain.chance() >= LIKELY:
        return _at_budget(a, record, short=True)
    small = a.smallest[0] if a.smallest else None
    if small is None or (small.hand is None and small.trial is a.found):
        return _at_budget(a, record, short=True)
    if small.hand is None or small.trial is not small.hand:
        return _smallest(small, a, record)
    if any(gap is not None for _, gap in a.front.above):
        return (
            f"Take {name(small.hand)}, made by hand: nothing is better at this budget. With fewer "
            "parameters the search found better ones than are made by hand."
        )
    return (
        f"Take {name(small.hand)}: {plural(a.tried - 1, 'other')}, trained under the same "
        f"conditions, {'is' if a.tried == 2 else 'are'} not better."
    )


def sentences(record: StudyRecord) -> list[tuple[str, str]]:
    """(what it is about, one sentence): the budget, the smallest as good, the front."""
    return _sentences(answered(record), record)


def _sentences(a: Answer, record: StudyRecord) -> list[tuple[str, str]]:
    numbers = _numbers(a, record)
    said = [(BUDGET, _at_budget(a, record) + (numbers.lost if numbers else ""))]
    if a.found is not None and a.hand is not None:
        said += [(SMALLEST, _smallest(s, a, record)) for s in a.smallest]
        said += [(FRONT, _front(a.front))]
    said += [(RATE, words)] if (words := at_the_end(a, record)) else []
    return [(what, _capital(sentence)) for what, sentence in said]


def _capital(sentence: str) -> str:
    """A sentence that begins with ``trial 17``; names of architectures stay as they are."""
    return "T" + sentence[1:] if sentence.startswith("trial ") else sentence


def _at_budget(a: Answer, record: StudyRecord, *, short: bool = False) -> str:
    if a.hand is None:
        return (
            f"{told(a.best)} is the best within the budget, {score(record.expected(a.best))}; "
            "nothing made by hand within the budget is complete to compare it with."
        )
    known = _numbers(a, record)
    if a.found is None or a.gain is None or known is None:
        return (
            f"The best made by hand, {name(a.hand)}, reaches {score(record.expected(a.hand))}; "
            "the search itself has not finished a proposal yet."
        )
    chance, numbers = a.gain.chance(), f"{known.means} ({known.details})"
    if short:
        numbers = known.means + (ON_REPORT if a.gain.seeds else "")
    by_hand = f"the best made by hand, {name(a.hand)}"
    if chance >= LIKELY:
        return f"{told(a.found)} is {_sure(chance)} better than {by_hand}: {numbers}."
    if chance <= 1 - LIKELY:
        return (
            f"{told(a.hand)}, made by hand, is {_sure(1 - chance)} better than {name(a.found)}, "
            f"the best that the search found: {numbers}."
        )
    if math.isnan(chance):
        why = "one seed cannot tell" if a.gain.seeds == 1 else "nothing tells"
        return f"{told(a.found)} against {by_hand}: {numbers}; {why} how much of it is chance."
    return f"{told(a.found)} and {by_hand}, are within the noise of each other: {numbers}."


def _sure(chance: float) -> str:
    """A chance in a word."""
    return "surely" if chance >= SURE else "likely" if chance >= LIKELY else "probably"


@dataclass(frozen=True)
class _Numbers:
    """``0.970 against 0.941``; ``+0.029, 95% interval +0.004 to +0.054; 3 and 2 trainings``.

    Attributes:
        lost: a sentence where perhaps neither learned anything, after a blank; else "".
    """

    means: str
    details: str
    lost: str = ""


def _numbers(a: Answer, record: StudyRecord) -> _Numbers | None:
    """Of what was found against what was made by hand; None where either is missing."""
    if a.found is None or a.hand is None or a.gain is None:
        return None
    gap = difference(a.gain.mean)
    if a.gain.interval is not None:
        gap += ", 95% interval {} to {}".format(*map(difference, a.gain.interval))
    if a.gain.seeds:
        again = {c.trial: c for c in record.confirmed}
        known = [again[t.number] for t in (a.found, a.hand)]
        found, hand = (score(c.mean.mean if c.mean else None) for c in known)
        trained = f"{plural(a.gain.seeds, 'fresh random seed')}{ON_REPORT}"
        lost = nothing_learned(*known)
    else:
        found, hand = (score(record.expected(t)) for t in (a.found, a.hand))
        first, second = (len(record.trainings_of(t)) for t in (a.found, a.hand))
        each = f"{plural(first, 'training')} each"
        trained, lost = each if first == second else f"{first} and {second} trainings", ""
    return _Numbers(f"{found} against {hand}", f"{gap}; {trained}", lost)


def _smallest(s: Smallest, a: Answer, record: StudyRecord) -> str:
    less = "fewer parameters" if s.cost == "params" else f"less {s.cost}"
    within = f"as good as the best within {score(a.margin)}"
    if s.gap is None and (s.hand is None or s.hand is s.trial):
        return f"{told(s.trial)}: nothing of {less} is {within}."

    def costs(t: TrialRecord) -> str:
        if s.cost == "params":
            return f"{t.count.deployed:,} parameters"
        return f"{s.cost} {format_cost(s.cost, record.cost(t, s.cost))}"

    said = f"{told(s.trial)} is the best, with {costs(s.trial)}"
    if s.gap is not None:
        sure = _sure(s.gap.chance(-(a.margin or 0.0)))
        said = f"{told(s.trial)} is {sure} {within}, with {costs(s.trial)}"
    if s.trial.label:
        return f"{said}; the search found nothing smaller."
    if s.hand is None:
        return f"{said}; nothing made by hand is."
    if s.cost == "params":
        ratio = s.trial.count.deployed / max(1, s.hand.count.deployed)
        return (
            f"{said}: {ratio:.0%} of the smallest made by hand that is, {name(s.hand)} "
            f"({s.hand.count.deployed:,})."
        )
    return f"{said}; of those made by hand {name(s.hand)}, {costs(s.hand)}."


def _front(f: FrontGain) -> str:
    was = "was" if f.found == 1 else "were"
    said = (
        f"Of {plural(f.members, 'architecture')} that nothing smaller beats, {f.found} {was} found "
        "by the search"
    )
    known = [(t, g.mean) for t, g in f.above if g is not None]
    if not known:
        return f"{said}; none is likely above what is made by hand with as many parameters."
    most, gain = max(known, key=lambda pair: pair[1])
    where = sorted({share(t.count.share) for t, _ in known}, key=lambda w: float(w.rstrip("%")))
    above = "of the backbone it is likely above what is made by hand with as many parameters"
    if len(where) == 1:
        return f"{said}; at {where[0]} {above}, by {score(gain)}."
    return (
        f"{said}; from {where[0]} to {where[-1]} {above}, most at {share(most.count.share)}: by "
        f"{score(gain)}."
    )


def facts(a: Answer, record: StudyRecord) -> tuple[Fact, ...]:
    """Found, made by hand and their difference as large numbers."""
    fresh = confirmed(record)
    if fresh is not None:
        return confirmed_facts(fresh, record)
    shown = []
    if a.found is not None:
        shown.append(_fact("Found by the search", a.found, record, strong=True))
    if a.hand is not None:
        shown.append(_fact("Best made by hand", a.hand, record))
    if a.gain is not None:
        error = a.gain.error
        around = f"standard error {score(error)}" if error is not None else "spread unknown"
        shown.append(Fact("Difference", difference(a.gain.mean), around))
    if a.smallest and a.smallest[0].gap is not None:
        small = a.smallest[0].trial
        shown.append(Fact("Smallest as good", f"{small.count.deployed:,}", name(small)))
    done = len(record.complete)
    shown.append(
        Fact("Trials", f"{done}", f"complete of {record.total}" + _others(record) if done else "")
    )
    return tuple(shown)


def _fact(words: str, t: TrialRecord, record: StudyRecord, strong: bool = False) -> Fact:
    more = " · ".join(filter(None, (behind(record, t), learns(record, t))))
    return trial_fact(words, score(record.expected(t)), t, strong, more)


def note(a: Answer, record: StudyRecord) -> str:
    """What the verdict does not say: whence scores come, how large chance is, what is outside."""
    fresh_numbers = confirmed(record)
    if fresh_numbers is not None:
        return confirmed_note(fresh_numbers, record)
    fresh = "before you rely on it, train it with other random seeds and score the report split."
    if all_plain(record):
        words = [
            f"Each architecture was trained once, with one random seed; its {record.metric} is of "
            "the selection split, which the search looked at."
        ]
        error = None if a.hand is None else gap_error(record, a.best, a.hand)
        if error is not None:
            words.append(
                f"On {plural(record.task.scored or 0, 'example')} two equally good "
                f"architectures often lie up to {score(2 * error)} apart."
            )
        words.append(f"The best of many noisy scores is flattered by chance: {fresh}")
    else:
        words = [
            f"Scores are the {record.metric} that a training is expected to reach on the selection "
            f"split, given all {plural(len(record.complete), 'training')} of this study: the luck "
            "of single ones is taken out, and those that learned nothing are counted in. The "
            f"search looked at that split: {fresh}"
        ]
    if a.reference is not None:
        words.append(
            f"Outside {record.over(a.reference)}, {name(a.reference)} reaches "
            f"{score(record.expected(a.reference))} with {parameters(a.reference.count)} of the "
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
        over = " or ".join(sorted({record.over(t) for t in record.complete}))
        return (
            f"No architecture within {bounds(record)} is complete yet; "
            f"{seen} over {over} {'is' if len(record.complete) == 1 else 'are'} for reference."
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
