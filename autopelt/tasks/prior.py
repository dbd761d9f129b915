"""What is known of the labels before a text is read."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets import Dataset

    from autopelt.tasks.base import Task


def log_shares(labels: Iterable[int], classes: int) -> list[float]:
    """Logarithm of each class's share; one more example of each keeps all of them finite.

    Args:
        labels: indices from 0 to ``classes - 1``.
    """
    counts = Counter(labels)
    total = counts.total() + classes
    return [math.log((counts[index] + 1) / total) for index in range(classes)]


def balanced_weights(labels: Iterable[int], classes: int) -> list[float]:
    """Weight of each class, such that all count the same and the mean over the examples is 1.

    Args:
        labels: indices from 0 to ``classes - 1``. A class without an example weighs nothing.
    """
    counts = Counter(labels)
    return [
        counts.total() / (len(counts) * counts[index]) if counts[index] else 0.0
        for index in range(classes)
    ]


def constant_scores(task: Task, train: Dataset, split: Dataset) -> dict[str, float] | None:
    """What reading nothing gives: `Task.constant` of train, scored on a split, by name.

    A trained model that is not above it has learned nothing. None where the task has no constant.
    """
    answer = task.constant(train)
    if answer is None or not len(split):
        return None
    scores = task.score([answer] * len(split), split)
    return {name: scores[name] for name in task.scores}


def constant_score(task: Task, train: Dataset, split: Dataset) -> float | None:
    """`constant_scores` by the task's metric; larger is better."""
    scores = constant_scores(task, train, split)
    return None if scores is None else task.metric.value(scores)
