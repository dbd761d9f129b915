"""Several examples in one row, none of which sees another: texts that a decoder learns, unpadded.

A batch of texts of unlike lengths is padded to its longest one, and padding is computed like text.
Here its B examples are laid one behind another into fewer rows. Position ids begin anew in each of
them and no attention mask is given: that is how transformers is told of packed rows, and it makes a
causal mask of blocks of it, within a sliding window where a layer has one, for eager attention,
SDPA and FlashAttention (there in a single row only). Loss and gradients are those of the padded
batch, up to rounding.

Beside that only tokens that something is learned of go through the language model's head: a
vocabulary is the widest thing in most decoders, and of a chat only the answers are learned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal

import torch
from torch import nn
from transformers import PreTrainedModel

from autopelt.backbones.shapes import shapes_of_model
from autopelt.modules.attachment import NAME, attached
from autopelt.tasks import Task
from autopelt.tasks.padding import IGNORED, Batch
from autopelt.training.context import Context

Packing = Literal["auto", "on", "off"]

GAIN = 0.95
"""`auto` lays a batch anew where that needs less than this part of the work: making the mask of
blocks costs a little, too."""

TRIED = 4
"""Examples that are packed to see whether that goes."""

LAST = 8
"""Learned tokens of each whose logits are looked at."""

TOLERANCE, ROUNDED = 1e-4, 0.05
"""Relative difference of logits at which packing is taken not to go: with weights in fp32, where
rounding makes 1e-7 and what is mixed 3e-3 or more, and with others."""

NOISE = 0.1
"""Standard deviation of what is added to modules meanwhile."""

NOT_HERE = (
    "examples are not packed: in one row with others an example does not come out as it does alone "
    "(a prompt, a gate over the whole text, a model that counts positions itself)"
)
NOT_THIS = "examples are not packed: only a decoder that learns to write takes several in a row"


@dataclass(frozen=True)
class Laid:
    """A batch as it goes through a model.

    Attributes:
        indices: of the examples, in the order in which they stand in the batch.
        batch: as from `Task.collate`; with ``position_ids`` where several examples share a row, and
            with ``labels`` (1, n + 1) of the n learned tokens where only these are looked at: what
            stands in front of the first of them is `IGNORED`, as in a row of tokens.
        learned: of each example, how many tokens are learned; None where all tokens are looked at.
    """

    indices: Sequence[int]
    batch: Batch
    learned: Sequence[int] | None = None

    def by_example(self, outputs: Any) -> Iterator[tuple[Any, Batch]]:
        """Of outputs for learned tokens, each example's own, with its labels; nothing is copied."""
        assert self.learned is not None
        start, labels = 0, self.batch["labels"]
        for count in self.learned:
            own = slice(start, start + count + 1)
            targets = nn.functional.pad(labels[:, own][:, 1:], (1, 0), value=IGNORED)
            yield SimpleNamespace(logits=outputs.logits[:, own]), {"labels": targets}
            start += count

    def predictions(self, task: Task, outputs: Any) -> list[Any]:
        """As `Task.predictions`, in the order of `indices`."""
        return [
            prediction
            for own, batch in self.by_example(outputs)
            for prediction in task.predictions(own, batch)
        ]


class Layout:
    """Lays the batches of one training.

    Args:
        context: model, task and data.
        packing: ``on``, ``off`` or ``auto``.
        packs: whether that goes with what is attached (`packs`).

    Attributes:
        notes: for a user who asked for packing and does not get it.
    """

    def __init__(self, context: Context, packing: Packing = "off", packs: bool = True) -> None:
        self._context = context
        self._packing: Packing = packing if packs else "off"
        self._head = _Head()
        refused = packing == "on" and not packs
        self.notes = [NOT_HERE if context.task.writes_on else NOT_THIS] if refused else []

    @contextmanager
    def installed(self) -> Iterator[None]:
        """While it is open, `lay` may be used and the model is called with what it gives."""
        model = self._context.model
        with without_cache(model), ExitStack() as stack:
            if self._context.task.writes_on:
                self._head.install(model)
                stack.callback(self._head.remove)
            yield

    def lay(self, split: str, indices: Sequence[int]) -> Laid:
        """Examples of a split as one batch, on the model's device."""
        context = self._context
        batch = context.collated(split, indices)
        if not context.task.writes_on:
            return Laid(indices, context.on_device(batch))
        lengths = batch["attention_mask"].sum(1).tolist()
        rows = self._rows(lengths, batch["attention_mask"].shape[1])
        if rows is not None:
            batch = packed(batch, rows)
            order = [place for row in rows for place in row]
            indices, lengths = [indices[i] for i in order], [lengths[i] for i in order]
        places = learned_places(batch)
        counts = _counts(batch, places, lengths)
        batch["labels"] = _labels_at(batch["labels"], places)
        size = batch["input_ids"].numel()
        self._head.choose(size, context.on_device({"places": places})["places"])
        return Laid(indices, context.on_device(batch), counts)

    def _rows(self, lengths: Sequence[int], width: int) -> list[list[int]] | None:
        """Which examples share a row, or None where each keeps its own."""
        if self._packing == "off":
            return None
        model = self._context.model
        hidden = shapes_of_model(model).hidden
        rows = shared_rows(lengths, hidden, in_one=_takes_one_row(model))
        if self._packing == "auto":
            wide = max(sum(lengths[i] for i in row) for row in rows)
            if cost(len(rows), wide, hidden) > GAIN * cost(len(lengths), width, hidden):
                return None
        return rows


def cost(rows: int, width: int, hidden: int) -> float:
    """Work of a batch, in some unit: a layer's maps take 12 hidden² products a token, attention
    2 width · hidden."""
    return rows * width * (6 * hidden + width)


def shared_rows(lengths: Sequence[int], hidden: int, *, in_one: bool = False) -> list[list[int]]:
    """Which examples share a row: the cheapest of several layouts, each filled longest first.

    Rows as wide as the longest example keep attention small; wider ones leave less room over.

    Args:
        in_one: all in a single row.
    """
    total, longest = sum(lengths), max(lengths)
    if in_one:
        return [list(range(len(lengths)))]
    widths = {longest, *(max(longest, -(-total // rows)) for rows in range(1, 9))}
    layouts = [_first_fit(lengths, width) for width in sorted(widths)]

    def work(rows: list[list[int]]) -> float:
        return cost(len(rows), max(sum(lengths[i] for i in row) for row in rows), hidden)

    return min(layouts, key=work)


def _first_fit(lengths: Sequence[int], width: int) -> list[list[int]]:
    """Every example, longest first, into the first row that has the room."""
    rows: list[list[int]] = []
    room: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        row = next((r for r, left in enumerate(room) if left >= lengths[i]), len(rows))
        if row == len(rows):
            rows.append([])
            room.append(width)
        rows[row].append(i)
        room[row] -= lengths[i]
    return rows


def packed(batch: Batch, rows: Sequence[Sequence[int]]) -> Batch:
    """The examples of a padded batch, those of each list in one row: shapes (rows, widest).

    What fills a row up has position 0 everywhere, so each of these tokens sees itself alone.
    """
    real = batch["attention_mask"].bool()
    lengths = real.sum(1).tolist()
    width = max(sum(lengths[i] for i in row) for row in rows)
    shape = (len(rows), width)
    made = {
        "input_ids": torch.zeros(shape, dtype=torch.long),
        "attention_mask": torch.zeros(shape, dtype=torch.long),
        "position_ids": torch.zeros(shape, dtype=torch.long),
        "labels": torch.full(shape, IGNORED),
    }
    for number, row in enumerate(rows):
        start = 0
        for i in row:
            part = (number, slice(start, start + lengths[i]))
            made["input_ids"][part] = batch["input_ids"][i][real[i]]
            made["labels"][part] = batch["labels"][i][real[i]]
            made["labels"][number, start] = IGNORED  # nothing of its own stands in front of it
            made["position_ids"][part] = torch.arange(lengths[i])
            made["attention_mask"][part] = 1
            start += lengths[i]
    return made


def learned_places(batch: Batch) -> torch.Tensor:
    """Where, in a batch's rows one after another, the token behind is one to learn."""
    learned = (batch["labels"][:, 1:] != IGNORED) & batch["attention_mask"][:, :-1].bool()
    return nn.functional.pad(learned, (0, 1)).flatten().nonzero()[:, 0]


def _labels_at(labels: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Labels (1, n + 1) of n places, as if they were a row of their own."""
    return nn.functional.pad(labels.flatten()[places + 1], (1, 0), value=IGNORED)[None]


def _counts(batch: Batch, places: torch.Tensor, lengths: Sequence[int]) -> list[int]:
    """How many of the places each example has; examples stand in the order of `lengths`."""
    real = batch["attention_mask"].bool().flatten().cumsum(0)
    ends = torch.tensor(lengths).cumsum(0)
    owner = torch.searchsorted(ends, real[places])
    return owner.bincount(minlength=len(lengths)).tolist()


class _Head:
    """Lets only chosen tokens through a language model's head."""

    def __init__(self) -> None:
        self._handles: list[Any] = []
        self._size, self._places = 0, torch.zeros(1, dtype=torch.long)
        self._done = False

    def choose(self, size: int, places: torch.Tensor) -> None:
        """Which of the `size` tokens of the next batch; one more follows the last of them."""
        last = places[-1:] if len(places) else places.new_zeros(1)
        self._size, self._places = size, torch.cat([places, last])

    def install(self, model: PreTrainedModel) -> None:
        """Hook it in; a model whose head is not called as a module has all its logits sorted."""
        head: Any = model.get_output_embeddings()
        if isinstance(head, nn.Module):
            self._handles.append(head.register_forward_pre_hook(self._before))
        self._handles.append(model.register_forward_hook(self._after))

    def remove(self) -> None:
        """The model is as before."""
        while self._handles:
            self._handles.pop().remove()

    def _of(self, x: torch.Tensor) -> torch.Tensor:
        """(K · rows, tokens, width) of K copies of the batch -> (K, n + 1, width)."""
        return x.reshape(-1, self._size, x.shape[-1]).index_select(1, self._places)

    def _before(self, head: nn.Module, args: Any) -> Any:
        self._done = True
        return (self._of(args[0]), *args[1:])

    def _after(self, model: nn.Module, args: Any, output: Any) -> None:
        if not self._done:
            output.logits = self._of(output.logits)
        self._done = False


@contextmanager
def without_cache(model: PreTrainedModel) -> Iterator[None]:
    """Training needs no keys and values of before.

    With a place for them rows are not packed, and a layer computed twice would add them twice.
    """
    parts = (part for part in model.modules() if isinstance(part, PreTrainedModel))
    configs = {id(part.config): part.config for part in parts}.values()  # T5's stacks: their own
    before = [(config, config.use_cache) for config in configs if hasattr(config, "use_cache")]
    try:
        for config, _ in before:
            config.use_cache = False
        yield
    finally:
        for config, used in before:
            config.use_cache = used


def _takes_one_row(model: PreTrainedModel) -> bool:
    """FlashAttention looks at positions of a single row only."""
    return "flash" in str(model.config._attn_implementation)


@torch.no_grad()
def packs(context: Context) -> bool:
    """Whether examples may share a row with what is attached: a few are tried.

    What is attached is changed by noise meanwhile, since modules begin at nothing. That shows a
    prompt; what a gate does over a whole text is little, so it is known.
    """
    architecture = attached(context.model)
    gates = {m.gate for m in architecture.modules} if architecture else set()
    if not context.task.writes_on or gates & {"mean", "masked"}:
        return False
    lengths = context.splits["train"].lengths
    order = sorted(range(len(lengths)), key=lengths.__getitem__)[: max(TRIED, len(lengths) // 2)]
    few = order[:: max(1, len(order) // TRIED)][:TRIED]
    added = getattr(context.model, NAME, None)
    own = list(added.parameters()) if isinstance(added, nn.Module) else []
    kept, training = [p.detach().clone() for p in own], context.model.training
    context.model.eval()
    try:
        noise = torch.Generator().manual_seed(0)
        for p in own:
            p.add_((NOISE * torch.randn(p.shape, generator=noise)).to(p))
        alone, together = (_logits(context, few, packing) for packing in ("off", "on"))
    except (TypeError, ValueError, RuntimeError, IndexError, AttributeError):
        return False  # such as a family that is not told positions
    finally:
        for p, before in zip(own, kept, strict=True):
            p.copy_(before)
        context.model.train(training)
    spread = (alone - alone.mean(-1, keepdim=True)).norm()
    exact = all(p.dtype == torch.float32 for p in context.model.parameters())
    return bool((alone - together).norm() <= (TOLERANCE if exact else ROUNDED) * spread)


def _logits(context: Context, few: Sequence[int], packing: Packing) -> torch.Tensor:
    """Of the last learned tokens of some examples, in the order given."""
    layout = Layout(context, packing)
    with layout.installed():
        laid = layout.lay("train", few)
        outputs = context.model(**context.inputs(laid.batch))
    own = dict(zip(laid.indices, laid.by_example(outputs), strict=True))
    return torch.cat([own[i][0].logits[0, :-1][-LAST:].float() for i in few])
