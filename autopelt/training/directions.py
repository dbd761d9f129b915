"""What modules of start ``eva`` begin at: main directions of their inputs on the train split."""

from collections.abc import Iterator

import torch

from autopelt.architecture.architecture import Architecture
from autopelt.modules.starts import input_directions, wanting
from autopelt.study.config import derived_seed
from autopelt.training.batches import training_batches
from autopelt.training.context import Context

BATCH = 16
"""Examples a batch."""


def directions(context: Context, architecture: Architecture) -> dict[str, torch.Tensor]:
    """By site, from a few batches of the train split; nothing may be attached.

    Which examples these are is the same for all trials of a study: what was found for one serves
    the others, and a trial begins the same whichever came before it.
    """
    known = context.directions
    missing = [m for m in wanting(architecture) if m.size > known.get(m.site, (0,))[0]]
    if missing:
        largest = max(m.size for m in missing)
        found = input_directions(
            context.model, architecture.with_modules(missing), _batches(context)
        )
        known.update({site: (max(largest, len(rows)), rows) for site, rows in found.items()})
    return {m.site: known[m.site][1] for m in wanting(architecture)}


def _batches(context: Context) -> Iterator[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(derived_seed(context.setup.random_seed, "directions"))
    for indices in training_batches(context.splits["train"].lengths, BATCH, generator):
        yield context.task.inputs(context.batch("train", indices))
