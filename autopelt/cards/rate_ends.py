"""Whether the best learning rates lie at the end of what was tried, and what to do then."""

from __future__ import annotations

import math
from dataclasses import replace

from autopelt.cards.wording import listed, name
from autopelt.study.answer import Answer
from autopelt.study.record import StudyRecord, TrialRecord


def at_the_end(a: Answer, record: StudyRecord) -> str:
    """A sentence on the best found and the best by hand whose rate is an end; "" for neither.

    Of what was found the ends are the space's; of what is made by hand, those of the rates that
    it was trained at. Of two rates each is an end, so nothing is said of the one nearer to 1.
    """
    offered = sorted(set(record.config.space.rates))
    ends: dict[float, list[str]] = {}
    beyond = False
    for trial, tried in (
        (a.found, offered if len(offered) > 2 else []),
        (a.hand, _tried(a.hand, record)),
    ):
        if trial is None or len(tried) < 2:
            continue
        rate = trial.architecture.learning_rate_multiplier
        nearest = min(tried, key=lambda r: abs(math.log(r)))
        if rate != nearest and rate in (tried[0], tried[-1]):
            ends.setdefault(rate, []).append(name(trial))
            beyond |= rate in (offered[0], offered[-1])
    if not ends:
        return ""
    where = listed([f"× {rate:g} of {listed(ends[rate])}" for rate in sorted(ends)])
    way = "higher" if max(ends) > 1 else "lower"
    if not beyond:
        return (
            f"The best rate is at the end of what was tried: {where}; {way} ones may do better, "
            "and more trials try them."
        )
    factor = 4 if way == "higher" else 0.25
    return (
        f"The best rate is at the end of what may be chosen: {where}; {way} ones may do better. "
        "Search again with autopelt search … "
        f"--learning-rate-factor {factor * record.config.training.learning_rate_factor:g}."
    )


def _tried(hand: TrialRecord | None, record: StudyRecord) -> list[float]:
    """The rates at which what is made by hand was trained to its end, growing."""
    if hand is None:
        return []
    at_one = replace(hand.architecture, learning_rate_multiplier=1.0)
    same = (t.architecture for t in record.complete)
    return sorted(
        {
            a.learning_rate_multiplier
            for a in same
            if replace(a, learning_rate_multiplier=1.0) == at_one
        }
    )
