"""One architecture in training: what is attached to the model, as it is used everywhere else."""

import time
from collections.abc import Sequence
from pathlib import Path

import torch
from typing_extensions import override

from autopelt.architecture.architecture import Architecture
from autopelt.modules.attachment import NAME, head_parameters
from autopelt.modules.checkpoint import save
from autopelt.study.config import TrainingConfig, derived_seed
from autopelt.training.context import Context
from autopelt.training.modes import set_training_mode
from autopelt.training.trainee import Member, Trainee, attach_untrained
from autopelt.training.trunk import Feeder


class Single(Trainee):
    """The architecture on the context's model."""

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
        give(indices, batch)
        task = self.context.task
        return {0: task.loss(self.context.model(**task.inputs(batch)), batch)}

    @override
    def predictions(
        self, indices: Sequence[int], batch: dict[str, torch.Tensor], give: Feeder
    ) -> dict[int, Sequence[object]]:
        give(indices, batch)
        context = self.context
        return {0: context.task.predict(context.model, batch, context.tokenizer)}

    @override
    def save(self, number: int, folder: Path) -> None:
        save(self.context.model, folder)


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
        [Member(architecture, groups, own, training, context)],
        dropout=training.dropout,
        order_seed=derived_seed(random_seed, "order") if order_seed is None else order_seed,
        dropout_seed=random_seed,
    )
    trainee.seconds["attach"] = time.perf_counter() - begun
    return trainee
