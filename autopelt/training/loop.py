"""The training loop, top to bottom: AdamW, linear warm-up and decay, a score after every epoch."""

import math
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext

import torch

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.backbone import Backbone
from autopelt.modules.attachment import detach
from autopelt.study.config import TrainingConfig, derived_seed
from autopelt.tasks.by_group import scored
from autopelt.training.batches import scoring_batches, training_batches
from autopelt.training.checkpointing import checkpointed
from autopelt.training.context import Context
from autopelt.training.example_groups import without_groups
from autopelt.training.gradient_accumulation import Accumulation
from autopelt.training.packing import Laid, Layout
from autopelt.training.results import EpochResult, TrialFailure
from autopelt.training.trainee import Single, Trainee, single
from autopelt.training.trunk import Trunk, boundary_of, open_trunk, skipping

Entry = EpochResult | TrialFailure | None
"""What an epoch says of a member: its result; why it has failed, once; nothing after that."""


def train_epochs(
    context: Context,
    architecture: Architecture,
    training: TrainingConfig,
    random_seed: int,
    order_seed: int | None = None,
) -> Iterator[EpochResult]:
    """Attach an architecture to the context's model and train it, yielding after every epoch.

    The architecture stays attached, with the weights of the best epoch, when the iterator ends;
    `release` takes it off. A trained state is a function of the arguments alone on one device.

    Raises:
        TrialFailure: the loss or the score is not a finite number.
    """
    trainee = single(context, architecture, training, random_seed, order_seed)
    with closing(train(trainee, training)) as epochs:
        for (entry,) in epochs:
            if isinstance(entry, TrialFailure):
                raise entry
            assert entry is not None
            yield entry


def train(trainee: Trainee, training: TrainingConfig) -> Generator[list[Entry], None, None]:
    """Train all members, yielding after every epoch: one entry a member, in their order.

    A member whose loss or score is not finite fails alone. Members hold the weights of their best
    epoch at the end.
    """
    members = trainee.members
    task, rows = trainee.context.task, trainee.context.splits["train"].rows
    accumulation = Accumulation(
        [p for member in members for p in member.trained],
        lambda indices: sum(task.terms(rows[i]) for i in indices),
    )
    learns = bool(accumulation.parameters)  # not so for a pretrained head alone: it is only scored
    order = torch.Generator().manual_seed(trainee.order_seed)
    trunk = open_trunk(trainee.context, [m.architecture for m in members]) if learns else None
    layout = Layout(trainee.context, training.packing, trainee.packs)
    seconds, saved = dict(trainee.seconds), dict[str, float]()
    notes = [*trainee.notes, *layout.notes]
    if trunk is not None:
        seconds["trunk"] = trunk.seconds
        saved = {"layers": trunk.boundary, "hits": trunk.hits}
    try:
        with trainee.installed():
            for epoch in range(1 if learns else training.epochs, training.epochs + 1):
                if not trainee.running:
                    return
                begun = time.perf_counter()
                losses = dict.fromkeys(trainee.running, 0.0)
                if learns:
                    losses = _train_epoch(
                        trainee, training, epoch, order, trunk, layout, accumulation
                    )
                    seconds["train"] = time.perf_counter() - begun
                scoring = time.perf_counter()
                entries = _entries(trainee, epoch, losses, _score(trainee, trunk, layout))
                if epoch == training.epochs:
                    _weigh_examples(trainee, entries)
                seconds["score"] = time.perf_counter() - scoring
                saved |= {} if trunk is None else {"trunk": trunk.saved}
                notes += accumulation.notes
                for entry in entries:
                    if isinstance(entry, EpochResult):
                        entry.seconds.update({k: v / len(members) for k, v in seconds.items()})
                        entry.saved.update(saved)
                        entry.notes.extend(notes)
                yield entries
                seconds, saved, notes = {}, {}, []
    finally:
        if trunk is not None:
            trunk.close()
    for member in members:
        member.restore_best()


def _train_epoch(
    trainee: Trainee,
    training: TrainingConfig,
    epoch: int,
    order: torch.Generator,
    trunk: Trunk | None,
    layout: Layout,
    accumulation: Accumulation,
) -> dict[int, float]:
    """One epoch of every member that has not failed; their mean losses."""
    context = trainee.context
    lengths = context.splits["train"].lengths
    totals = dict.fromkeys(trainee.running, 0.0)
    with (
        torch.random.fork_rng(devices=[]),  # dropout draws from the global generator
        skipping(context, trunk, "train") as give,
        layout.installed(),
        _checkpointed(trainee) if training.gradient_checkpointing else nullcontext(),
    ):
        torch.manual_seed(derived_seed(trainee.dropout_seed, "dropout", epoch))
        trainee.set_training(True)

        def losses_of(indices: Sequence[int]) -> Mapping[int, torch.Tensor]:
            laid = layout.lay("train", indices)
            with context.autocast():
                return trainee.losses(laid.indices, laid.batch, give)

        batches = training_batches(lengths, training.batch_size, order)
        for step, indices in enumerate(batches, start=1):
            for number, loss in accumulation.backward(losses_of, indices).items():
                if math.isfinite(loss):
                    trainee.members[number].step()
                else:
                    trainee.members[number].failure = TrialFailure.of_loss(loss, step, epoch)
                totals[number] += loss * len(indices)
            if not trainee.running:
                break
    return {number: total / len(lengths) for number, total in totals.items()}


def _checkpointed(trainee: Trainee) -> AbstractContextManager[None]:
    """Layers with something to train keep their inputs only."""
    backbone = Backbone(trainee.context.model)
    number = len(backbone.layers)
    lowest = min(boundary_of(member.architecture, number) for member in trainee.members)
    return checkpointed(backbone, lowest, trainee.context.autocast)


def _entries(
    trainee: Trainee,
    epoch: int,
    losses: Mapping[int, float],
    scores: Mapping[int, tuple[dict[str, float], list[object]]],
) -> list[Entry]:
    """What an epoch says of the members with a loss in it, given its metrics and predictions."""
    metric = trainee.context.task.metric
    entries: list[Entry] = [None] * len(trainee.members)
    for number, loss in losses.items():
        member = trainee.members[number]
        if member.failure is None:
            metrics, predictions = scores[number]
            value = metric.value(metrics)
            if math.isfinite(value):
                best = member.keep_if_best(value, metrics, predictions)
                result = EpochResult(epoch, loss, value, metrics, best)
                result.costs.update(member.costs)
                entries[number], member.costs = result, {}
                continue
            member.failure = TrialFailure.of_score(metric.name, value, epoch)
        entries[number] = member.failure
    return entries


def _weigh_examples(trainee: Trainee, entries: Sequence[Entry]) -> None:
    """Tell with each member's last epoch what its best one scores without groups of examples."""
    context = trainee.context
    for member, entry in zip(trainee.members, entries, strict=True):
        if isinstance(entry, EpochResult):
            predictions = member.best_predictions
            found = without_groups(context, "selection", predictions, context.task)
            entry.without.extend(round(score, 6) for score in found)


def score_split(
    context: Context, split: str, selection: Mapping[str, float] | None = None
) -> dict[str, float]:
    """All metrics of a split by what is attached; the task's own metric is among them.

    Args:
        selection: its scores on the selection split, for `Task.decided`.
    """
    predictions = predict_split(context, split)
    return scored(context.task, predictions, context.splits[split].encoded, selection or {})


def predict_split(context: Context, split: str) -> list[object]:
    """One prediction by what is attached for each row of a split, as the task scores them."""
    return _predict(Single(context), split, None, Layout(context))[0]


def _score(
    trainee: Trainee, trunk: Trunk | None, layout: Layout
) -> dict[int, tuple[dict[str, float], list[object]]]:
    """Metrics and predictions of the selection split, of every member that has not failed."""
    if not trainee.running:
        return {}
    task, encoded = trainee.context.task, trainee.context.splits["selection"].encoded
    predictions = _predict(trainee, "selection", trunk, layout)
    return {number: (scored(task, rows, encoded), rows) for number, rows in predictions.items()}


@torch.inference_mode()
def _predict(
    trainee: Trainee, split: str, trunk: Trunk | None, layout: Layout
) -> dict[int, list[object]]:
    context, task = trainee.context, trainee.context.task
    by_token = task.one_pass and task.writes_on
    lengths = context.splits[split].lengths
    rows: dict[int, list[object]] = {}
    trainee.set_training(False)
    with (
        skipping(context, trunk if task.one_pass else None, split) as give,
        layout.installed() if by_token else nullcontext(),
        context.autocast(),
    ):
        for indices in scoring_batches(lengths, trainee.scoring_batch):
            told: Mapping[int, Sequence[object]]
            laid = (
                layout.lay(split, indices)
                if by_token
                else Laid(indices, context.batch(split, indices))
            )
            if by_token:
                outputs = trainee.outputs(laid.indices, laid.batch, give)
                told = {number: laid.predictions(task, made) for number, made in outputs.items()}
            else:
                told = trainee.predictions(indices, laid.batch, give)
            for number, predictions in told.items():
                own = rows.setdefault(number, [None] * len(lengths))
                for i, prediction in zip(laid.indices, predictions, strict=True):
                    own[i] = prediction
    return rows


def release(context: Context) -> None:
    """Take the architecture off; the backbone is as it was, bit for bit."""
    detach(context.model)
    context.model.eval()
