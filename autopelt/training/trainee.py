"""What the training loop trains: one architecture or several on one model, each with its own state.

`train` in `loop` knows nothing of how many there are. A `Trainee` says how a batch gives each
member its loss and its predictions; a `Member` has what is a member's own: trained parameters,
optimiser, schedule and best state.
"""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from typing_extensions import override

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.head import reset_head
from autopelt.modules.attachment import NAME, attach, attachment, head_parameters
from autopelt.modules.building import Attachment
from autopelt.modules.checkpoint import save
from autopelt.modules.parameter_groups import parameter_groups
from autopelt.modules.upkeep import Upkeep
from autopelt.study.config import TrainingConfig, derived_seed
from autopelt.training.context import Context
from autopelt.training.directions import directions
from autopelt.training.modes import set_training_mode
from autopelt.training.packing import packs
from autopelt.training.precision import precision
from autopelt.training.results import TrialFailure
from autopelt.training.trunk import Feeder


class Member:
    """One architecture and what training it changes.

    Attributes:
        trained: the parameters that get gradients.
        own: all that training changes, which the best state is made of.
        costs: what was measured before (`autopelt.training.costs`), told with the first epoch.
        best_predictions: of the selection split, by the state that scored highest.
        failure: why it cannot go on; None as long as it can.
        best_scores: all scores of the best epoch on the selection split.
    """

    def __init__(
        self,
        architecture: Architecture,
        groups: list[dict[str, Any]],
        own: Sequence[nn.Parameter],
        training: TrainingConfig,
        context: Context,
        modules: Attachment,
    ) -> None:
        """
        Args:
            groups: as from `parameter_groups`; empty where there is nothing to train.
            modules: what is attached.
        """
        self.architecture, self.own = architecture, own
        self.trained: list[nn.Parameter] = [p for group in groups for p in group["params"]]
        self.costs: dict[str, float] = {}
        self.failure: TrialFailure | None = None
        self.best_scores: Mapping[str, float] = {}
        self._clip_norm = training.clip_norm
        self.best_predictions: list[object] = []
        self._best_score = -math.inf
        self._best_state: list[torch.Tensor] = []
        self._upkeep: list[Upkeep] = []
        if groups:
            fused = context.device.type == "cuda"  # on a CPU `foreach` is the faster one
            self._optimizer = torch.optim.AdamW(
                groups, weight_decay=training.weight_decay, fused=fused, foreach=not fused
            )
            batches = math.ceil(len(context.splits["train"].lengths) / training.batch_size)
            steps = batches * training.epochs
            self._schedule = torch.optim.lr_scheduler.LambdaLR(
                self._optimizer, schedule(steps, training.warmup, training.schedule)
            )
            self._upkeep = modules.upkeep(steps)

    def step(self) -> None:
        """Change the weights by their gradients, which are gone then."""
        for upkeep in self._upkeep:
            upkeep.before_step()
        torch.nn.utils.clip_grad_norm_(self.trained, self._clip_norm, foreach=True)
        self._optimizer.step()
        self._schedule.step()
        for upkeep in self._upkeep:
            upkeep.after_step()
        self._optimizer.zero_grad(set_to_none=True)

    def keep_if_best(
        self, score: float, scores: Mapping[str, float], predictions: list[object]
    ) -> bool:
        """Remember the state of now if it can be shipped and none so far scored higher.

        Returns:
            Whether that is so.
        """
        best = score > self._best_score and all(u.settled for u in self._upkeep)
        if best:
            self.best_predictions = predictions
            self._best_score, self._best_state = score, [p.detach().clone() for p in self.own]
            self.best_scores = scores
        return best

    def restore_best(self) -> None:
        """Go back to the state that scored highest."""
        if self._best_state:
            copy_values(self._best_state, self.own)


def schedule(
    steps: int, warmup: float, shape: Literal["linear", "cosine"]
) -> Callable[[int], float]:
    """Linear from 0 to the full rate over the warm-up share of the steps, then as `shape` to 0.

    Unlike in transformers' schedules the first step has a rate above 0.
    """
    rise = max(1, round(steps * warmup))
    fall = max(1, steps - rise + 1)

    def factor(step: int) -> float:
        left = min(1.0, max(0.0, (steps - step) / fall))
        falling = left if shape == "linear" else (1 - math.cos(math.pi * left)) / 2
        return min((step + 1) / rise, falling)

    return factor


def copy_values(sources: Sequence[torch.Tensor], targets: Sequence[torch.Tensor]) -> None:
    """Copy tensors into others of the same shapes, in order."""
    with torch.no_grad():
        for source, target in zip(sources, targets, strict=True):
            target.copy_(source)


class Trainee(ABC):
    """One or several members on the model of a context.

    Attributes:
        members: in their order; empty where there is only something to predict.
        dropout: whether backbone and head have dropout in training.
        packs: whether examples may share a row.
        order_seed, dropout_seed: of the order of examples, and of dropout.
        seconds, notes: what came before the first epoch, told with it: wall-clock of all members
            by phase, and sentences for the user.
    """

    def __init__(
        self,
        context: Context,
        members: Sequence[Member] = (),
        *,
        dropout: bool = True,
        packs: bool = False,
        order_seed: int = 0,
        dropout_seed: int = 0,
    ) -> None:
        self.context, self.members, self.packs = context, members, packs
        self.dropout, self.order_seed, self.dropout_seed = dropout, order_seed, dropout_seed
        self.seconds: dict[str, float] = {}
        self.notes: list[str] = []

    @property
    def running(self) -> list[int]:
        """Numbers of the members that have not failed."""
        return [k for k, member in enumerate(self.members) if member.failure is None]

    @property
    def scoring_batch(self) -> int:
        """Examples in a batch of predictions."""
        return self.context.task.scoring_batch

    def installed(self) -> AbstractContextManager[object]:
        """The members are on the model while it is open."""
        return nullcontext()

    @abstractmethod
    def set_training(self, training: bool) -> None:
        """Switch dropout on where something is trained, or off everywhere."""

    @abstractmethod
    def losses(
        self, indices: Sequence[int], batch: dict[str, torch.Tensor], give: Feeder
    ) -> Mapping[int, torch.Tensor]:
        """Mean loss of a batch, for each member that runs.

        Args:
            indices: of the examples.
            batch: of the examples.
            give: to call with indices and inputs just before a forward pass.
        """

    @abstractmethod
    def predictions(
        self, indices: Sequence[int], batch: dict[str, torch.Tensor], give: Feeder
    ) -> Mapping[int, Sequence[object]]:
        """One prediction for each example of a batch, for each member that runs."""

    @abstractmethod
    def outputs(
        self, indices: Sequence[int], batch: dict[str, torch.Tensor], give: Feeder
    ) -> Mapping[int, Any]:
        """What the model gives for a batch, for each member that runs."""

    @abstractmethod
    def attached(self, number: int) -> AbstractContextManager[object]:
        """A member alone is on the model, as it is now, while it is open; after training only."""

    def save(self, number: int, folder: Path) -> None:
        """Write a member's modules and head as `checkpoint.save` does; after training only."""
        with self.attached(number):
            save(self.context.model, folder, self.context.task.unit)


def attach_untrained(
    context: Context, architecture: Architecture, training: TrainingConfig, random_seed: int
) -> list[dict[str, Any]]:
    """Put an architecture and a fresh head on the model; the optimiser's groups of parameters."""
    context.precision = precision(training.precision, context.device)
    reset_head(context.model, derived_seed(random_seed, "head"), context.prior)
    attach(
        context.model,
        architecture,
        random_seed=derived_seed(random_seed, "modules"),
        directions=directions(context, architecture),
    )
    return parameter_groups(context.model, multiplier=training.learning_rate_factor)


class Single(Trainee):
    """One architecture, attached to the context's model as it is used everywhere else."""

    @override
    def set_training(self, training: bool) -> None:
        if training:
            set_training_mode(self.context.model, self.dropout)
        else:
            self.context.model.eval()

    @override
    def losses(
        self, indices: Sequence[int], batch: dict[str, torch.Tensor], give: Feeder
    ) -> dict[int, torch.Tensor]:
        outputs = self.outputs(indices, batch, give)
        return {number: self.context.task.loss(own, batch) for number, own in outputs.items()}

    @override
    def predictions(
        self, indices: Sequence[int], batch: dict[str, torch.Tensor], give: Feeder
    ) -> dict[int, Sequence[object]]:
        give(indices, batch)
        context = self.context
        return {0: context.task.predict(context.model, batch, context.tokenizer)}

    @override
    def outputs(
        self, indices: Sequence[int], batch: dict[str, torch.Tensor], give: Feeder
    ) -> dict[int, Any]:
        give(indices, batch)
        return {0: self.context.model(**self.context.inputs(batch))}

    @override
    def attached(self, number: int) -> AbstractContextManager[object]:
        return nullcontext()


def single(
    context: Context,
    architecture: Architecture,
    training: TrainingConfig,
    random_seed: int,
    order_seed: int | None = None,
) -> Single:
    """Attach an architecture to the context's model, ready to be trained.

    Args:
        random_seed: of modules, head, dropout, and of the order of examples where that has no
            `order_seed`.
    """
    begun = time.perf_counter()
    groups = attach_untrained(context, architecture, training, random_seed)
    head = set(head_parameters(context.model))
    own = [
        p
        for name, p in context.model.named_parameters()
        if name.startswith(f"{NAME}.") or name in head or p.requires_grad
    ]
    trainee = Single(
        context,
        [Member(architecture, groups, own, training, context, attachment(context.model))],
        dropout=training.dropout,
        packs=training.packing != "off" and packs(context),
        order_seed=derived_seed(random_seed, "order") if order_seed is None else order_seed,
        dropout_seed=random_seed,
    )
    trainee.seconds["attach"] = time.perf_counter() - begun
    return trainee
