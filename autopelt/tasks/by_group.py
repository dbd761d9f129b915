"""A split's scores, and where the examples have groups (`GROUP`), the metric of each of these."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autopelt.data.source import GROUP
from autopelt.tasks.columns import some
from autopelt.tasks.scores import OF_SEVERAL_LABELS

if TYPE_CHECKING:
    from datasets import Dataset

    from autopelt.tasks.base import Task

MOST = 20
"""Groups that are scored, the largest ones."""

FEWEST = 10
"""Examples that a group has at least to be scored."""

KEY = "{metric}[{group}]"
"""Name of a group's score."""


def scored(
    task: Task,
    predictions: Sequence[Any],
    encoded: Dataset,
    selection: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """All scores of a split: `Task.score`, then the metric of each of `scored_groups`.

    Args:
        predictions: one for each row of `encoded`, in order.
        selection: scores on the selection split, for `Task.decided`; None: these rows are that
            split. Groups never decide anything, and one whose metric is not defined has none.
    """
    judge = task if selection is None else task.decided(selection)
    scores = judge.score(predictions, encoded)
    groups = scored_groups(encoded)
    if not groups:
        return scores
    decided = task.decided(scores if selection is None else selection)
    values, name = encoded[GROUP][:], task.metric.name
    told = {}
    for group in groups:
        kept = [i for i, value in enumerate(values) if value == group]
        rows = encoded.select(kept)
        value = decided.score([predictions[i] for i in kept], rows)[name]
        if math.isfinite(value) and _says_something(name, rows):
            told[KEY.format(metric=name, group=group)] = value
    return scores | told


def _says_something(metric: str, rows: Dataset) -> bool:
    """Whether the examples have the labels that a score needs to be one."""
    if metric not in OF_SEVERAL_LABELS or "labels" not in rows.column_names:
        return True
    return len(set(rows["labels"][:])) > 1


def scored_groups(dataset: Dataset) -> dict[str, int]:
    """The groups of raw or encoded examples that are scored, and the examples of each."""
    return {group: n for group, n in _sizes(dataset)[:MOST] if n >= FEWEST}


def not_scored(dataset: Dataset) -> list[str]:
    """A sentence on the groups that have no score, where there are any."""
    scored = scored_groups(dataset)
    left = [(group, n) for group, n in _sizes(dataset) if group not in scored]
    if not left:
        return []
    return [
        f"{len(left)} of {len(left) + len(scored)} groups get no score of their own "
        f"({some([f'{group}: {n}' for group, n in left])}): a group needs {FEWEST} examples, and "
        f"the {MOST} largest are scored."
    ]


def _sizes(dataset: Dataset) -> list[tuple[str, int]]:
    """Groups and their examples, the largest first."""
    if GROUP not in dataset.column_names:
        return []
    values = dataset[GROUP][:]
    # A long context of question answering is several rows.
    rows = "example" not in dataset.column_names
    owners = range(len(values)) if rows else dataset["example"][:]
    counts = Counter(dict(zip(owners, values, strict=True)).values())
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
