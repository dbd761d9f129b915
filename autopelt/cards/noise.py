"""How far two equally good architectures may lie apart by chance alone."""

import math
from statistics import median

from autopelt.study.record import StudyRecord, TrialRecord

COUNTED = ("accuracy", "exact_match")
"""Scores that are a share of examples, whose error follows from the number of examples."""


def score_error(record: StudyRecord, score: float) -> float | None:
    """Standard error of one score on the selection split: sqrt(p (1 - p) / n).

    Returns:
        None where the score is not a share of examples, or the size of the split is unknown.
        Variation between random seeds comes on top and is not in it.
    """
    examples = record.task.selection
    if record.metric not in COUNTED or not examples or not 0 <= score <= 1:
        return None
    # Of n right answers out of n one still knows no more than about one example's worth.
    share = min(max(score, 1 / (examples + 2)), 1 - 1 / (examples + 2))
    return math.sqrt(share * (1 - share) / examples)


def seed_spread(record: StudyRecord) -> float | None:
    """Standard deviation of a score over random seeds: the median of what was confirmed.

    Returns:
        None where nothing was trained with two random seeds or more. The median, as one training
        that learned nothing says little about the others.
    """
    known = [s for c in record.confirmed if (s := c.spread) is not None and math.isfinite(s)]
    return median(known) if known else None


def gap_error(record: StudyRecord, a: TrialRecord, b: TrialRecord) -> float | None:
    """Standard error of the difference of two architectures' expected scores.

    Returns:
        From what is believed of both; where that does not say, as `difference_error`.
    """
    sds = [record.belief(t).sd for t in (a, b)]
    if all(map(math.isfinite, sds)):
        return math.hypot(*sds)
    return difference_error(record, record.expected(a), record.expected(b))


def difference_error(record: StudyRecord, a: float, b: float) -> float | None:
    """Standard error of the difference of two scores, as far as examples and seeds tell.

    The two are measured on the same examples, so the true error is usually smaller; without the
    single answers the larger, unpaired one is the honest bound.

    Returns:
        None where neither the error by examples nor the one by random seeds is known.
    """
    of_examples, of_seeds = [score_error(record, a), score_error(record, b)], seed_spread(record)
    parts = [e for e in (*of_examples, of_seeds, of_seeds) if e is not None]
    return math.hypot(*parts) if parts else None
