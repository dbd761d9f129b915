"""Scores by group of examples (`--group`): how the best architecture does on each of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from autopelt.cards.card import Finding, Table, cell, table
from autopelt.cards.wording import name, plural, score
from autopelt.study.noise import COUNTED, share_error
from autopelt.study.record import StudyRecord


@dataclass(frozen=True)
class Group:
    """A group of examples, how many the selection split has, and the score on these."""

    name: str
    examples: int
    score: float


def groups(record: StudyRecord) -> list[Group]:
    """What the best architecture's first training scores on each group, the largest first."""
    best = record.best
    if best is None or not record.task.groups:
        return []
    from autopelt.tasks.by_group import KEY  # with it come all kinds of tasks

    return [
        Group(group, n, value)
        for group, n in record.task.groups.items()
        if (value := best.metrics.get(KEY.format(metric=record.own_metric, group=group)))
        is not None
    ]


def numbers(record: StudyRecord) -> Table | None:
    """A row for each group; None without any."""
    rows = [
        (
            None,
            {
                "Group": cell(g.name),
                "Examples": cell(g.examples),
                "Score": cell(score(g.score), g.score),
            },
        )
        for g in groups(record)
    ]
    return table(rows, folded="Show the score of each group")


def lower_groups(record: StudyRecord) -> list[tuple[Group, float]]:
    """Groups that score lower than the other ones together, by more than chance, and these' score.

    A difference counts from two standard errors on; of many groups the lowest is so far below by
    chance, so more are needed the more groups there are. Known for shares of examples only.
    """
    every = groups(record)
    if record.metric not in COUNTED or len(every) < 2:
        return []
    wide = max(2.0, NormalDist().inv_cdf(1 - 0.025 / len(every)))
    lower = []
    for group in every:
        others = [g for g in every if g is not group]
        examples = sum(g.examples for g in others)
        rest = sum(g.score * g.examples for g in others) / examples
        error = math.hypot(share_error(group.score, group.examples), share_error(rest, examples))
        if rest - group.score > wide * error:
            lower.append((group, rest))
    return lower


def by_group(record: StudyRecord) -> Finding | None:
    """Is the best architecture worse on some group of examples?"""
    every, best = groups(record), record.best
    if len(every) < 2 or best is None:
        return None
    lower = lower_groups(record)
    if lower:
        told = "; ".join(
            f"{group.name} {score(group.score)} ({plural(group.examples, 'example')}), the others "
            f"{score(rest)}"
            for group, rest in lower
        )
        return Finding(
            "warning",
            f"{name(best)} is surely worse on some groups: {told}.",
            "The score of all examples hides it: give more training examples of these groups.",
        )
    ends = [f(every, key=lambda g: g.score) for f in (min, max)]
    words = " to ".join(
        f"{score(g.score)} ({g.name}, {plural(g.examples, 'example')})" for g in ends
    )
    told = f"{name(best)} scores from {words} by group"
    if record.metric in COUNTED:
        return Finding("good", f"{told}: no group is surely worse than the others.")
    return Finding(
        "note",
        f"{told}; how far chance goes is not known for {record.metric}.",
        "Look at the score of each group in the table below.",
    )
