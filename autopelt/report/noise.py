"""How far two equally good architectures may lie apart by chance alone."""

import math

from autopelt.records import StudyRecord
from autopelt.report.wording import whole

COUNTED = ("accuracy", "exact_match")
"""Scores that are a share of examples, whose error follows from the number of examples."""


def score_error(record: StudyRecord, score: float) -> float | None:
    """Standard error of one score on the selection split: sqrt(p (1 - p) / n).

    Returns:
        None where the score is not a share of examples, or the size of the split is unknown.
        Variation between random seeds comes on top and is not in it.
    """
    examples = whole(record.task, "selection")
    if record.metric not in COUNTED or not examples or not 0 <= score <= 1:
        return None
    # Of n right answers out of n one still knows no more than about one example's worth.
    share = min(max(score, 1 / (examples + 2)), 1 - 1 / (examples + 2))
    return math.sqrt(share * (1 - share) / examples)


def difference_error(record: StudyRecord, a: float, b: float) -> float | None:
    """Standard error of the difference of two scores.

    The two are measured on the same examples, so the true error is usually smaller; without the
    single answers the larger, unpaired one is the honest bound.
    """
    first, second = score_error(record, a), score_error(record, b)
    return None if first is None or second is None else math.hypot(first, second)
