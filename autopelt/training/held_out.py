"""The report split, scored once training is over: whole, and without each group of examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from autopelt.tasks.by_group import scored
from autopelt.training.context import Context
from autopelt.training.example_groups import without_groups
from autopelt.training.loop import predict_split


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
    metrics = scored(context.task, predictions, split.encoded, selection)
    told = {
        "metrics": metrics,
        "score": task.metric.value(metrics),
        "without": without_groups(context, "report", predictions, task),
        "examples": len(split.rows),
        "data": context.data.report_hash,
    }
    answer = task.constant(context.splits["train"].encoded)
    if answer is not None:
        same = [answer] * len(split.rows)
        score = task.metric.value(task.score(same, split.encoded))
        without = without_groups(context, "report", same, task)
        told["constant"] = {"score": score, "without": without}
    return told
