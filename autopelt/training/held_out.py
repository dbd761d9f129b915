"""The report split, scored once training is over: whole, and without each group of examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from autopelt.training.context import Context
from autopelt.training.loop import predict_split

GROUPS = 40
"""Groups of examples that are left out in turn; fewer where there are fewer examples."""


@torch.inference_mode()
def held_out(context: Context, selection: Mapping[str, float]) -> dict[str, Any]:
    """Score the model, with what is attached to it, on the report split.

    Args:
        selection: its scores on the selection split, for `Task.decided`.

    Returns:
        ``metrics`` (all of them), ``score`` (the task's own, larger is better), ``without`` (the
        same without each group, see `statistics.paired`), ``constant`` (``score`` and ``without``
        of the best constant answer, `Task.constant`, where the task has one), ``examples`` and
        ``data`` (content hash).
    """
    split, task = context.splits["report"], context.task.decided(selection)
    predictions = predict_split(context, "report")
    metrics = task.score(predictions, split.encoded)
    groups = example_groups(split.rows, context.setup.random_seed)

    count = max(groups) + 1 if len(set(groups)) > 1 else 0
    kept = [[i for i, g in enumerate(groups) if g != group] for group in range(count)]

    def without(answers: Sequence[Any]) -> list[float]:
        scores = (task.score([answers[i] for i in k], split.encoded.select(k)) for k in kept)
        return [task.metric.value(score) for score in scores]

    told = {
        "metrics": metrics,
        "score": task.metric.value(metrics),
        "without": without(predictions),
        "examples": len(split.rows),
        "data": context.report_hash,
    }
    answer = task.constant(context.splits["train"].encoded)
    if answer is not None:
        same = [answer] * len(split.rows)
        score = task.metric.value(task.score(same, split.encoded))
        told["constant"] = {"score": score, "without": without(same)}
    return told


def example_groups(rows: Sequence[Any], random_seed: int) -> list[int]:
    """Group of each row, at random and of equal size; rows of one example stay together."""
    # A long context of question answering is several rows.
    owners = [row.get("example", i) for i, row in enumerate(rows)]
    examples = list(dict.fromkeys(owners))
    count = min(GROUPS, len(examples))
    order = np.random.default_rng((random_seed, 41)).permutation(len(examples))
    group = {examples[i]: place % count for place, i in enumerate(order.tolist())}
    return [group[owner] for owner in owners]
