"""How much a score is owed to the examples: the same score without each group of them in turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autopelt.tasks.base import Task
from autopelt.tasks.padding import MODEL_INPUTS
from autopelt.training.context import Context

GROUPS = 40
"""Groups of examples that are left out in turn; fewer where there are fewer examples."""

_INPUTS = (*MODEL_INPUTS, "pixel_values", "input_features")
"""Columns that nothing is scored by."""


def without_groups(
    context: Context, name: str, predictions: Sequence[Any], task: Task
) -> list[float]:
    """Score of predictions without each group of a split's examples, see `statistics.paired`.

    Args:
        name: of the split.
        predictions: one for each row of the split, in order.
        task: scores them.

    Returns:
        A score for each group, larger is better; empty where there is one example.
    """
    from datasets import Dataset
    from datasets.table import InMemoryTable

    split = context.splits[name]
    # What is scored of the rows, as a table: `Dataset.select` takes four times as long.
    judged = [column for column in split.encoded.column_names if column not in _INPUTS]
    table = split.encoded.select_columns(judged).with_format("arrow")[:]
    groups = example_groups(split.rows, context.setup.random_seed)
    count = max(groups) + 1 if len(set(groups)) > 1 else 0
    scores = []
    for group in range(count):
        kept = [i for i, g in enumerate(groups) if g != group]
        rows = Dataset(InMemoryTable(table.take(kept)), fingerprint=f"{name}-without-{group}")
        metrics = task.score([predictions[i] for i in kept], rows)
        scores.append(task.metric.value(metrics))
    return scores


def example_groups(rows: Sequence[Any], random_seed: int) -> list[int]:
    """Group of each row, at random and of equal size; rows of one example stay together."""
    # A long context of question answering is several rows.
    owners = [row.get("example", i) for i, row in enumerate(rows)]
    examples = list(dict.fromkeys(owners))
    count = min(GROUPS, len(examples))
    order = np.random.default_rng((random_seed, 41)).permutation(len(examples))
    group = {examples[i]: place % count for place, i in enumerate(order.tolist())}
    return [group[owner] for owner in owners]
