"""Texts that are written for a sample of a split and scored, beside a metric that needs none.

They are made once, of a trained state. Which examples these are is told by a hash of each, so all
trials write for the same ones. What it may cost is bounded: scoring has at most `SHARE` of a
trial's time. So texts are written for a few examples first, then for twice as many each time, as
long as the next ones, at the pace so far, fit into what is left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import torch

from autopelt.data.draw import draw
from autopelt.tasks.base import Task
from autopelt.training.batches import scoring_batches
from autopelt.training.context import Context

SHARE = 0.25
"""Of a trial's time, the most that scoring takes."""

FIRST = 4
"""Examples that texts are written for in any case."""


@dataclass(frozen=True)
class SampledTexts:
    """What was written.

    Attributes:
        scores: of the texts, by name.
        examples: that texts were written for.
        wanted: that they were asked for.
    """

    scores: Mapping[str, float]
    examples: int
    wanted: int

    @property
    def notes(self) -> list[str]:
        """A sentence where the sample is smaller than it was to be."""
        if self.examples == self.wanted:
            return []
        return [
            f"texts were written for {self.examples} of {self.wanted} examples: more would have "
            f"made scoring longer than {SHARE:.0%} of the trial."
        ]


def samples(task: Task) -> bool:
    """Whether texts are asked for beside the metric."""
    return task.generate > 0 and task.one_pass


def allowance(seconds: Mapping[str, float]) -> float:
    """Seconds that are left for writing such that all scoring has `SHARE` of a trial's time.

    Args:
        seconds: of the trial so far, by phase.
    """
    scoring = seconds.get("score", 0.0)
    other = sum(seconds.values()) - scoring - seconds.get("load", 0.0)
    return max(0.0, other * SHARE / (1 - SHARE) - scoring)


def sampled_texts(
    context: Context,
    split: str,
    allowed: float = inf,
    clock: Callable[[], float] = time.perf_counter,
) -> SampledTexts:
    """Texts by what is attached, for the examples of a split that its task asks for.

    Args:
        allowed: seconds that it may take.
    """
    part, task = context.splits[split], context.task
    wanted = min(task.generate, len(part.rows))
    keys = [str(row["input_ids"]) for row in part.rows]
    texts: dict[int, str] = {}
    begun, size = clock(), min(FIRST, wanted)
    while size:
        more = [i for i in draw(size, keys, context.setup.random_seed) if i not in texts]
        texts.update(zip(more, _written(context, split, more), strict=True))
        spent, further = clock() - begun, min(2 * size, wanted) - size
        size = size + further if further and spent * (1 + further / size) <= allowed else 0
    rows = sorted(texts)
    gold = part.encoded.select(rows)["target"][:]
    return SampledTexts(task.score_texts([texts[i] for i in rows], gold), len(rows), wanted)


@torch.inference_mode()
def _written(context: Context, split: str, rows: Sequence[int]) -> list[str]:
    """A text for each of some rows, batched by length."""
    texts, task = [""] * len(rows), context.task
    lengths = [context.splits[split].lengths[i] for i in rows]
    context.model.eval()
    with context.autocast():
        for places in scoring_batches(lengths, task.scoring_batch):
            batch = context.batch(split, [rows[place] for place in places])
            answers = task.answers(context.model, batch, context.tokenizer)
            for place, answer in zip(places, answers, strict=True):
                texts[place] = answer
    return texts
