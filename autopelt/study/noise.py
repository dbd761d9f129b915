"""How far two equally good architectures may lie apart by chance alone."""

import math
from statistics import median

import numpy as np

from autopelt.statistics.paired import Scored, example_error
from autopelt.study.record import StudyRecord, TrialRecord

COUNTED = ("accuracy", "exact_match")
"""Scores that are a share of examples, whose error follows from the number of examples."""


def score_error(record: StudyRecord, score: float) -> float | None:
    """Standard error of one score that is a share of examples: sqrt(p (1 - p) / n).

    Returns:
        None where the score is not a share of examples, or the size of the split is unknown.
        Variation between random seeds comes on top and is not in it.
    """
    examples = record.task.scored
    if record.metric not in COUNTED or not examples or not 0 <= score <= 1:
        return None
    return share_error(score, examples)


def share_error(score: float, examples: int) -> float:
    """Standard error of a share of examples."""
    # Of n right answers out of n one still knows no more than about one example's worth.
    share = min(max(score, 1 / (examples + 2)), 1 - 1 / (examples + 2))
    return math.sqrt(share * (1 - share) / examples)


def selection_error(record: StudyRecord, trial: TrialRecord) -> float | None:
    """Standard error of an architecture's score over the examples of the selection split.

    By the jackknife over groups of examples, whatever the score; where these are not known, as
    `score_error`. What another random seed would have given is not in it.
    """
    without = _without(record, trial)
    if not without:
        return score_error(record, record.expected(trial))
    # Where all answers are right the groups do not differ, but one example's worth is open.
    least = score_error(record, 1.0) or 0.0
    return max(example_error(Scored(0, 0.0, without)) or 0.0, least)


def usual_margin(record: StudyRecord, best: TrialRecord) -> float | None:
    """How much lower than the best a score may be to be as good, where a user does not say.

    `selection_error`; of a loss or another error at most the median standard error of the
    differences from the best. How hard single examples are makes most of the error of a mean loss,
    and is the same for all architectures: that one is within it says nothing.
    """
    own = selection_error(record, best)
    if own is None or record.own_metric == record.metric:
        return own
    first = Scored(0, 0.0, _without(record, best))
    others = [t for t in record.architectures if t is not best and record.feasible(t)]
    errors = [example_error(first, Scored(0, 0.0, _without(record, t))) for t in others]
    return min([own, median(known)]) if (known := [e for e in errors if e is not None]) else own


def _without(record: StudyRecord, trial: TrialRecord) -> tuple[float, ...]:
    """Mean score of an architecture's trainings without each group; empty where not known."""
    known = [t.without for t in record.trainings_of(trial)]
    if not known or not known[0] or len({len(w) for w in known}) > 1:
        return ()
    return tuple(np.mean(known, axis=0).tolist())


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
        From what is believed of both, and how the difference varies over the examples that both
        were scored on (jackknife); where beliefs do not say, as `difference_error`.
    """
    sds = [record.belief(t).sd for t in (a, b)]
    if all(map(math.isfinite, sds)):
        first, second = (Scored(0, 0.0, _without(record, t)) for t in (a, b))
        return math.hypot(*sds, example_error(first, second) or 0.0)
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
