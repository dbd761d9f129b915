"""Which trials of a long study a page draws one by one."""

from collections.abc import Iterable

from autopelt.study.record import RUNNING, StudyRecord, TrialRecord

MOST = 500
"""More lines and rows tell a person nothing, and a page of 10,000 trials had 49 MB."""


def shown(record: StudyRecord) -> list[TrialRecord]:
    """The trials to draw, by number: all of them, or `MOST` of more.

    What runs, what is on the front, confirmed or made by hand; half of the other places to what is
    expected to score most; the rest evenly from first to last. What counts or sums, counts all.
    """
    if len(record.trials) <= MOST:
        return list(record.trials)
    confirmed = {c.trial for c in record.confirmed}
    front = {t.architecture for t in record.front}
    kept = dict(
        _first(
            t
            for t in record.trials
            if t.state == RUNNING or t.label or t.architecture in front or t.number in confirmed
        )
    )
    half = len(kept) + (MOST - len(kept)) // 2
    for number, t in _first(record.ranked):
        if len(kept) >= half:
            break
        kept[number] = t
    left = [t for t in record.trials if t.number not in kept]
    room = MOST - len(kept)
    step = len(left) / max(1, room)
    kept |= _first(left[int(i * step)] for i in range(room))
    return [kept[number] for number in sorted(kept)]


def _first(trials: Iterable[TrialRecord]) -> list[tuple[int, TrialRecord]]:
    return [(t.number, t) for t in trials][:MOST]


def left_out(record: StudyRecord) -> str:
    """A sentence that says so; "" where all are drawn."""
    every = len(record.trials)
    if every <= MOST:
        return ""
    return (
        f" This page draws {MOST} of them: the front, what was made by hand, the best, and of the "
        f"rest some from first to last. All {every:,} are in trials.csv."
    )
