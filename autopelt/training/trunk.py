"""The trunk: hidden states below the lowest active module, computed once and not in every epoch.

Nothing below the lowest active module changes while an architecture is trained, and dropout is off
there, so the states at that layer boundary are the same for an example every time. They are kept
for the train and the selection split and shared by all trials and processes of a machine. Training
with and without them is the same function; what differs is rounding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.backbone import Backbone
from autopelt.backbones.boundary import has_boundaries, starting_at, states_at
from autopelt.backbones.shapes import shapes_of_model
from autopelt.training.batches import scoring_batches
from autopelt.training.shared_arrays import Entry, SharedArrays

if TYPE_CHECKING:
    from autopelt.training.context import Context

BATCH = 64
"""Examples a batch when states are computed."""

SPLITS = ("train", "selection")
TOLERANCE = 1e-3
"""Relative difference of losses at which a family is taken not to work with this."""

Feeder = Callable[[Sequence[int], Mapping[str, torch.Tensor]], None]


@dataclass
class States:
    """Hidden states of a split at a boundary.

    Attributes:
        array: (tokens + 1, hidden): the real tokens of all examples, one after another, and a row
            of zeros that stands for padding.
        counts: (examples,) real tokens of each example, over all its rows.
        seconds: what computing all of it takes.
    """

    array: torch.Tensor
    counts: torch.Tensor
    seconds: float

    def __post_init__(self) -> None:
        self.starts = self.counts.cumsum(0) - self.counts

    def batch(self, indices: Sequence[int], mask: torch.Tensor) -> torch.Tensor:
        """States (rows, tokens, hidden) of examples, where `mask` (rows, tokens) is 1.

        An example may have several rows, as choices have, and not all the same number.
        """
        real = mask.bool().flatten()
        before = real.cumsum(0) - 1
        chosen = torch.as_tensor(indices, device=self.counts.device)
        ends = self.counts[chosen].cumsum(0)
        owner = torch.searchsorted(ends, before.clamp(min=0), right=True)
        shift = self.starts[chosen] - ends + self.counts[chosen]
        place = torch.where(real, before + shift[owner], self.array.shape[0] - 1)
        return self.array.index_select(0, place).view(*mask.shape, -1)


@dataclass
class Trunk:
    """What one trial uses: a boundary and the states of the splits there.

    Attributes:
        boundary: the layer that computing starts at.
        seconds: spent on computing states for this trial.
        hits: splits whose states were there already.
        entries: the files in use.
    """

    boundary: int
    states: dict[str, States] = field(default_factory=dict)
    seconds: float = 0.0
    hits: int = 0
    entries: list[Entry] = field(default_factory=list)

    def close(self) -> None:
        """Let go of the states."""
        self.states.clear()
        while self.entries:
            self.entries.pop().close()

    @property
    def saved(self) -> float:
        """Seconds that one epoch is shorter by."""
        return sum(states.seconds for states in self.states.values())


def boundary_of(architecture: Architecture, layers: int) -> int:
    """The layer below which nothing is trained: 0 for none, the number of layers for all."""
    lowest = architecture.lowest_layer
    return layers if lowest is None else max(0, lowest)


def missing_trunk(context: Context, architectures: Sequence[Architecture]) -> int:
    """Layers of the trunk whose states training these in one batch begins with computing.

    States that another process computes at this moment are missing, too: they are waited for.
    """
    boundary = _usable_boundary(context, architectures)
    there = (
        context.arrays is not None and context.arrays.has(_key(context, split, boundary))
        for split in SPLITS
        if split in context.splits
    )
    return 0 if boundary == 0 or all(there) else boundary


def open_trunk(context: Context, architectures: Sequence[Architecture]) -> Trunk | None:
    """The states that training these in one batch needs, computed where they are missing.

    Returns:
        None where there is no trunk, the cache is off or too small, or the model's family or a gate
        of mode ``mean`` (which looks at padding too) does not go with it.
    """
    boundary = _usable_boundary(context, architectures)
    if context.arrays is None or boundary == 0:
        return None
    begun = time.perf_counter()
    trunk = Trunk(boundary)
    training, complete = context.model.training, False
    context.model.eval()
    try:
        splits = (split for split in SPLITS if split in context.splits)
        complete = all(_add(context, context.arrays, trunk, split) for split in splits)
    finally:
        context.model.train(training)
        if not complete:
            trunk.close()
    trunk.seconds = time.perf_counter() - begun
    return trunk if complete else None


@contextmanager
def skipping(context: Context, trunk: Trunk | None, split: str) -> Iterator[Feeder]:
    """While it is open, passes over a split's batches start at the trunk's boundary.

    Gives a function to call with the indices and the content of each batch before its pass; it does
    nothing where there are no states.
    """
    if trunk is None or split not in trunk.states:
        yield lambda indices, batch: None
        return
    with _fed(context, trunk.boundary, trunk.states[split]) as give:
        yield give


@contextmanager
def _fed(context: Context, boundary: int, states: States) -> Iterator[Feeder]:
    with starting_at(Backbone(context.model), boundary) as feed:

        def give(indices: Sequence[int], batch: Mapping[str, torch.Tensor]) -> None:
            mask = batch["attention_mask"].to(states.array.device)
            feed.states = states.batch(indices, mask).to(context.device)

        yield give


# ---------------------------------------------------------------------- making
def _usable_boundary(context: Context, architectures: Sequence[Architecture]) -> int:
    """The layer that training these in one batch can start at; 0 where it cannot."""
    backbone = Backbone(context.model)
    if (
        context.arrays is None
        or not context.trunk_works
        or not has_boundaries(backbone)
        or any(s.rows and "attention_mask" not in s.rows[0] for s in context.splits.values())
        or any(m.gate == "mean" for a in architectures for m in a.modules)
    ):
        return 0
    return min(boundary_of(a, len(backbone.layers)) for a in architectures)


def _key(context: Context, split: str, boundary: int) -> str:
    return f"{context.identity(split)}-{boundary}"


def _add(context: Context, arrays: SharedArrays, trunk: Trunk, split: str) -> bool:
    """Find or compute the states of a split; False where that cannot be."""
    counts = token_counts(context.splits[split].rows)
    if counts is None:
        return False
    tokens = torch.from_numpy(counts)

    def make(array: torch.Tensor) -> Mapping[str, Any]:
        if not _works(context, trunk.boundary, split):
            raise _DoesNotWork
        return _compute(context, arrays, trunk.boundary, split, States(array, tokens, 0.0))

    width = shapes_of_model(context.model).hidden
    key = _key(context, split, trunk.boundary)
    try:
        entry = arrays.find_or_make(key, int(counts.sum()) + 1, width, torch.float32, make)
    except _DoesNotWork:
        context.trunk_works = False
        return False
    if entry is None:
        return False
    trunk.entries.append(entry)
    trunk.hits += not entry.new
    array = _near(entry.array, context.device)
    trunk.states[split] = States(array, tokens.to(array.device), entry.facts["seconds"])
    return True


def _near(array: torch.Tensor, device: torch.device) -> torch.Tensor:
    """On a GPU where that has the room, else where it is."""
    if device.type == "cuda" and 4 * array.nbytes < torch.cuda.mem_get_info(device)[0]:
        return array.to(device)
    return array


class _DoesNotWork(Exception):  # noqa: N818 - a finding
    """A pass that starts at the boundary gives something else than a whole pass."""


@torch.inference_mode()
def _compute(
    context: Context, arrays: SharedArrays, boundary: int, split: str, states: States
) -> dict[str, float]:
    """Fill the states; the pass starts at the highest boundary below that is there already."""
    begun, before = time.perf_counter(), 0.0
    with ExitStack() as stack:
        give: Feeder = lambda indices, batch: None  # noqa: E731
        for lower in range(boundary - 1, 0, -1):
            entry = arrays.find(_key(context, split, lower))
            if entry is not None:
                stack.callback(entry.close)
                before = entry.facts["seconds"]
                lower_states = States(entry.array, states.counts, before)
                give = stack.enter_context(_fed(context, lower, lower_states))
                break
        states.array[-1].zero_()
        for indices in scoring_batches(context.splits[split].lengths, BATCH):
            _fill(context, boundary, split, indices, give, states)
    return {"seconds": before + time.perf_counter() - begun}


def _fill(
    context: Context,
    boundary: int,
    split: str,
    indices: Sequence[int],
    give: Feeder,
    states: States,
) -> None:
    """Put the states of a batch where they begin."""
    batch = context.batch(split, indices)
    give(indices, batch)
    inputs = context.task.inputs(batch)
    with context.autocast():
        backbone = Backbone(context.model)
        hidden = states_at(backbone, boundary, lambda: context.model(**inputs))
    real = batch["attention_mask"].bool()
    counts = states.counts[torch.as_tensor(indices)].tolist()
    for i, part in zip(indices, hidden[real].to("cpu").split(counts), strict=True):
        states.array[states.starts[i] : states.starts[i] + len(part)] = part


@torch.inference_mode()
def _works(context: Context, boundary: int, split: str) -> bool:
    """Whether a pass from the boundary gives the loss of a whole pass, on a few examples.

    Their states are computed one by one, so without the padding that they have as a batch.
    """
    lengths = context.splits[split].lengths
    order = sorted(range(len(lengths)), key=lengths.__getitem__)[: max(8, len(lengths) // 2)]
    few = order[:: max(1, len(order) // 4)][:5]
    known = token_counts([context.splits[split].rows[i] for i in few])
    assert known is not None
    array = torch.zeros(int(known.sum()) + 1, shapes_of_model(context.model).hidden)
    counts = torch.zeros(len(lengths), dtype=torch.long)
    counts[few] = torch.from_numpy(known)
    states = States(array, counts, 0.0)
    for i in few:
        _fill(context, boundary, split, [i], lambda indices, batch: None, states)
    batch = context.batch(split, few)
    inputs = context.task.inputs(batch)
    with context.autocast():
        whole = float(context.task.loss(context.model(**inputs), batch))
        with _fed(context, boundary, states) as give:
            give(few, batch)
            short = float(context.task.loss(context.model(**inputs), batch))
    return abs(whole - short) <= TOLERANCE * max(1.0, abs(whole))


def token_counts(rows: Sequence[Mapping[str, Any]]) -> np.ndarray[Any, Any] | None:
    """Real tokens of each example, over all its rows; None where there is no attention mask."""
    if not rows or "attention_mask" not in rows[0]:
        return None
    masks = (row["attention_mask"] for row in rows)
    return np.array([sum(map(sum, m)) if isinstance(m[0], list) else sum(m) for m in masks])
