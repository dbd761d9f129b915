"""The training loop, top to bottom: AdamW, linear warm-up and decay, a score after every epoch."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from transformers import PreTrainedModel

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.load import reset_head
from autopelt.modules.attachment import NAME, attach, detach, head_parameters, parameter_groups
from autopelt.study.config import TrainingConfig, derived_seed
from autopelt.training.batches import scoring_batches, training_batches
from autopelt.training.context import Context
from autopelt.training.gradient_accumulation import NOTE, Accumulation
from autopelt.training.modes import set_training_mode
from autopelt.training.precision import precision
from autopelt.training.spec import TrialFailure
from autopelt.training.trunk import SPLITS, Feeder, Trunk, open_trunk, skipping

SCORING_BATCH = 64
GENERATION_BATCH = 16
"""Logits over a whole vocabulary, or beams, take far more memory than classes."""


@dataclass(frozen=True)
class EpochResult:
    """One epoch.

    Attributes:
        epoch: from 1; the last at once where there is nothing to train.
        loss: mean training loss.
        score: of the selection split by the task's metric, negated where lower is better.
        metrics: all metrics of the selection split.
        best: no epoch so far scored higher.
        seconds: wall-clock by phase.
        saved: what the trunk cache did: ``trunk`` (seconds that this epoch was shorter), and with
            the first epoch ``layers`` (left out of every pass) and ``hits`` (splits whose states
            were there already).
        notes: sentences about the data that a user must see, with the first epoch.
        held_out: what `autopelt.training.held_out` says, with the last epoch where it was asked.
        costs: what `autopelt.training.costs` measured, with the first epoch where it was asked.
    """

    epoch: int
    loss: float
    score: float
    metrics: dict[str, float]
    best: bool
    seconds: dict[str, float] = field(default_factory=dict)
    saved: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    held_out: dict[str, Any] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)


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
    model, task = context.model, context.task
    begun = time.perf_counter()
    context.precision = precision(training.precision, context.device)
    reset_head(model, derived_seed(random_seed, "head"), context.prior)
    attach(model, architecture, random_seed=derived_seed(random_seed, "modules"))
    groups = parameter_groups(model, multiplier=training.learning_rate_factor)
    if not groups:  # head-only where the head is pretrained: nothing to train, only to score
        metrics = score_split(context, "selection")
        score = task.metric.value(metrics)
        seconds = {"score": time.perf_counter() - begun}
        yield EpochResult(training.epochs, 0.0, score, metrics, True, seconds)
        return
    optimizer = adamw(groups, training, context.device)
    order = torch.Generator().manual_seed(
        derived_seed(random_seed, "order") if order_seed is None else order_seed
    )
    lengths = context.splits["train"].lengths
    steps_an_epoch = math.ceil(len(lengths) / training.batch_size)
    schedule = linear_schedule(optimizer, steps_an_epoch * training.epochs, training.warmup)
    trained = [p for group in groups for p in group["params"]]
    best_score, best_state = -math.inf, _state(model)
    first_seconds = {"attach": time.perf_counter() - begun}
    trunk = open_trunk(context, architecture)
    first_saved: dict[str, float] = {}
    accumulation = Accumulation(trained)

    def loss_of(give: Feeder, indices: Sequence[int]) -> torch.Tensor:
        batch = context.batch("train", indices)
        give(indices, batch)
        with context.autocast():
            return task.loss(model(**task.inputs(batch)), batch)

    if trunk is not None:
        first_seconds["trunk"] = trunk.seconds
        first_saved = {"layers": trunk.boundary, "hits": trunk.found}

    try:
        for epoch in range(1, training.epochs + 1):
            begun = time.perf_counter()
            total, seen = 0.0, 0
            with (
                torch.random.fork_rng(devices=[]),  # dropout draws from the global generator
                skipping(context, trunk, "train") as give,
            ):
                torch.manual_seed(derived_seed(random_seed, "dropout", epoch))
                set_training_mode(model, training.dropout)
                for step, indices in enumerate(
                    training_batches(lengths, training.batch_size, order), start=1
                ):
                    value = accumulation.backward(partial(loss_of, give), indices)
                    if not math.isfinite(value):
                        raise TrialFailure.of_loss(value, step, epoch)
                    torch.nn.utils.clip_grad_norm_(trained, training.clip_norm, foreach=True)
                    optimizer.step()
                    schedule.step()
                    optimizer.zero_grad(set_to_none=True)
                    total += value * len(indices)
                    seen += len(indices)
            after_training = time.perf_counter()
            metrics = score_split(context, "selection", trunk)
            score = task.metric.value(metrics)
            if not math.isfinite(score):
                raise TrialFailure.of_score(task.metric.name, score, epoch)
            best = score > best_score
            if best:
                best_score, best_state = score, _state(model)
            seconds = {
                "train": after_training - begun,
                "score": time.perf_counter() - after_training,
            }
            saved = {} if trunk is None else {"trunk": sum(map(trunk.saved, SPLITS))}
            if epoch == 1:
                seconds, saved = first_seconds | seconds, first_saved | saved
            notes = [NOTE] if accumulation.parts > 1 else []
            yield EpochResult(epoch, total / seen, score, metrics, best, seconds, saved, notes)
        _restore(model, best_state)
    finally:
        if trunk is not None:
            trunk.close()


def adamw(
    groups: list[dict[str, Any]], training: TrainingConfig, device: torch.device
) -> torch.optim.AdamW:
    """The optimiser of the groups of `parameter_groups`."""
    fused = device.type == "cuda"  # on a CPU `foreach` is the faster one
    return torch.optim.AdamW(
        groups, weight_decay=training.weight_decay, fused=fused, foreach=not fused
    )


def score_split(context: Context, split: str, trunk: Trunk | None = None) -> dict[str, float]:
    """All metrics of a split; the task's own metric is among them."""
    return context.task.score(predict_split(context, split, trunk), context.splits[split].encoded)


@torch.inference_mode()
def predict_split(context: Context, split: str, trunk: Trunk | None = None) -> list[object]:
    """One prediction for each row of a split, as the task scores them."""
    model, task = context.model, context.task
    model.eval()
    lengths = context.splits[split].lengths
    predictions: list[object] = [None] * len(lengths)
    size = GENERATION_BATCH if task.kind == "generation" else SCORING_BATCH
    with skipping(context, trunk if task.one_pass else None, split) as give, context.autocast():
        for indices in scoring_batches(lengths, size):
            batch = context.batch(split, indices)
            give(indices, batch)
            made = task.predict(model, batch, context.tokenizer)
            for i, prediction in zip(indices, made, strict=True):
                predictions[i] = prediction
    return predictions


def release(context: Context) -> None:
    """Take the architecture off; the backbone is as it was, bit for bit."""
    detach(context.model)
    context.model.eval()


def linear_schedule(
    optimizer: torch.optim.Optimizer, steps: int, warmup: float
) -> torch.optim.lr_scheduler.LambdaLR:
    """Linear from 0 to the full rate over the warm-up share of the steps, then linear to 0."""
    rise = max(1, round(steps * warmup))
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / rise, max(0.0, (steps - step) / max(1, steps - rise + 1))),
    )


def _trained_tensors(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """All that training changes: modules, task head, and the backbone where it is trained."""
    head = set(head_parameters(model))
    return {
        name: p
        for name, p in model.named_parameters()
        if name.startswith(f"{NAME}.") or name in head or p.requires_grad
    }


def _state(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in _trained_tensors(model).items()}


def _restore(model: PreTrainedModel, state: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, p in _trained_tensors(model).items():
            p.copy_(state[name])
