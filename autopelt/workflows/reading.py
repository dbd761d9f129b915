"""What was understood of the data, for the first lines of a search."""

from __future__ import annotations

from collections import Counter
from statistics import fmean
from typing import TYPE_CHECKING, Any

from autopelt.data.source import Splits
from autopelt.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset

LOOKED_AT = 1000
"""Training examples whose length is measured before a search starts."""

_SHOWN = 6


def some_encoded(task: Task, train: Dataset, tokenizer: Any, max_length: int) -> Any:
    """Examples of train spread over all, as they are trained on; None of pictures."""
    if task.example == "picture":
        return None
    some = range(0, len(train), -(-len(train) // LOOKED_AT))
    return task.encode(train.select(some), tokenizer, max_length)


def lengths_of(encoded: Any) -> list[int]:
    """Tokens of each example, with padding between rows where it has several; none of sounds."""
    if encoded is None or "input_ids" not in encoded.column_names:
        return []
    rows = encoded["input_ids"][:]
    return [len(r) * max(map(len, r)) if isinstance(r[0], list) else len(r) for r in rows if r]


def first_lines(
    task: Task, splits: Splits, tokenizer: Any, max_length: int, encoded: Any = None
) -> list[str]:
    """Lines on kind, examples, splits, labels, how they are written and what is too long.

    Args:
        tokenizer, max_length: as the task is encoded with.
        encoded: from `some_encoded`, where it is there already.

    Raises:
        UnavailableError: an example is too long, where that is an error.
    """
    facts = splits.facts
    sizes = ", ".join(f"{size:,} {_USES[name]}" for name, size in facts.sizes.items())
    return [
        f"data: {facts.source}, {facts.read:,} examples: {sizes}",
        f"task {task.name}: {task.kind.replace('_', ' ')}, scored by {_metric(task)}"
        + _labels(task, splits.train),
        *([facts.cut] if facts.cut else []),
        *task.told(splits.train, tokenizer),
        *_lengths(task, splits, tokenizer, max_length, encoded),
    ]


_USES = {
    "train": "to train on",
    "selection": "to choose by (selection)",
    "report": "kept for the last test (report)",
}
"""What the parts of the data are for."""


def _metric(task: Task) -> str:
    """The metric, and how a lower-is-better one is told."""
    name = task.metric.name
    if task.metric.higher_is_better:
        return name
    return f"{name}: lower is better, so what is told is the negative {name}, and more is better"


def _labels(task: Task, train: Dataset) -> str:
    """The commonest labels of train with their counts, or the range of its numbers."""
    column = next((name for name in ("label", "tags") if name in train.column_names), None)
    if column is None:
        return ""
    values = train[column][:]
    if not task.labels:
        low, high = min(values), max(values)
        return f"; numbers of train from {low:g} to {high:g}, {fmean(values):g} in the mean"
    counts = Counter(name for value in values for name in task.names_of(value))
    shown = [f"{name} {count:,}" for name, count in counts.most_common(_SHOWN)]
    if len(task.labels) > _SHOWN:
        rarest = min(task.labels, key=lambda name: (counts[name], name))
        shown.append(f"… {len(task.labels)} in all, the rarest '{rarest}' with {counts[rarest]:,}")
    return f"; {column if column == 'tags' else 'labels'} of train: {', '.join(shown)}"


def _lengths(
    task: Task, splits: Splits, tokenizer: Any, max_length: int, encoded: Any
) -> list[str]:
    """What is cut of the training examples, or of some of them spread over all."""
    if task.example == "picture":
        return []
    if task.refuses_long:
        for split in (splits.train, splits.selection, splits.report):
            if split is not None:
                task.encode(split, tokenizer, max_length)
    train = splits.train
    some = range(0, len(train), -(-len(train) // LOOKED_AT))
    encoded = some_encoded(task, train, tokenizer, max_length) if encoded is None else encoded
    which = "train" if len(some) == len(train) else f"{len(some):,} examples of train"
    return [f"{which}: {note}" for note in task.notes(encoded)] or [
        f"{which}: no text is longer than {max_length} tokens."
        if task.example == "text"
        else f"{which}: no {task.example} is cut."
    ]
