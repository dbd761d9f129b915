"""Several architectures trained at once in one process, in one batch through the frozen weights.

A small model leaves a large GPU idle. K members that share the order of the data run as one batch
of K·B rows through each frozen matrix (`autopelt.modules.rows`); modules, task head, loss, gradient
clipping and optimiser are each member's own, so each learns what it would have learned alone, up to
the rounding of larger products. With backbone dropout on the random draws differ from those alone.
"""

import copy
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace

import torch
from torch import nn
from transformers import PreTrainedModel
from typing_extensions import override

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.backbone import Backbone
from autopelt.backbones.shapes import shapes_of_model
from autopelt.errors import UsageError
from autopelt.methods import check
from autopelt.modules.attachment import (
    attach,
    attachment,
    detach,
    frozen_parameters,
    head_parameters,
)
from autopelt.modules.building import Attachment
from autopelt.modules.rows import Rows, RowwiseHead, RowwiseSites
from autopelt.study.config import TrainingConfig
from autopelt.training.context import Context
from autopelt.training.modes import set_backbone_mode
from autopelt.training.packing import packs
from autopelt.training.trainee import Member, Trainee, attach_untrained, copy_values
from autopelt.training.trunk import Feeder

LABELS = ("labels", "start_positions", "end_positions")
"""What of a batch is not for the model: its own loss would be over all members' rows."""

ALONE = ("deberta-v2",)
"""Model types whose attention sends a table of positions through the maps of the tokens as well."""


def alone_because(architecture: Architecture, context: Context) -> str:
    """Why an architecture cannot be a member, in words that follow "trained alone: "; else "".

    What does not fit the backbone cannot be one either: it fails alone, and not the others with it.
    """
    model = context.model
    try:
        for module in architecture.modules:
            check(module, shapes_of_model(model))
    except UsageError as error:
        return str(error)
    heads, complete = _head_modules(model)
    if architecture.full:
        return "full fine-tuning has no frozen weights to share"
    if any(module.layer is None for module in architecture.modules):
        return "with a prompt its sequences have another length than others'"
    if not architecture.modules and not heads:
        return "it has nothing to train"
    if not context.task.one_pass:
        return f"{context.task.metric.name} needs texts, which are written by one model at a time"
    family = model.config.model_type
    shares = complete and family not in ALONE and not model.config.is_encoder_decoder
    if not shares or not Backbone(model).family.boundaries:
        return f"layers of a {family} model hand on more than states, one row a text"
    return ""


class Population(Trainee):
    """Members on one backbone; outside `installed` it is as it was, bit for bit.

    Args:
        context: model, task and data.
        members: architecture and random seed of each; none of them `alone_because`.
        training: epochs, batch size, schedule.
        order_seed: of the order of the examples, which all share, and of dropout.
    """

    def __init__(
        self,
        context: Context,
        members: Sequence[tuple[Architecture, int]],
        training: TrainingConfig,
        order_seed: int,
    ) -> None:
        begun = time.perf_counter()
        self.model: PreTrainedModel = context.model
        self._rows = Rows()
        self._shared = RowwiseSites(Backbone(self.model), self._rows)
        self._head, _ = _head_modules(self.model)
        self._attachments: list[Attachment] = []
        self._heads: list[nn.ModuleList] = []
        self._pack = training.packing != "off"
        made = [self._member(context, a, training, seed) for a, seed in members]
        super().__init__(
            context,
            made,
            dropout=training.dropout,
            packs=self._pack,
            order_seed=order_seed,
            dropout_seed=order_seed,
        )
        self.seconds["attach"] = time.perf_counter() - begun

    def _member(
        self, context: Context, architecture: Architecture, training: TrainingConfig, seed: int
    ) -> Member:
        """A member with modules that are off the model again, and with a head of its own."""
        groups = attach_untrained(context, architecture, training, seed)
        head = copy.deepcopy(self._head)
        copies = dict(zip(map(id, self._head.parameters()), head.parameters(), strict=True))
        for group in groups:
            group["params"] = [copies.get(id(p), p) for p in group["params"]]
        modules = attachment(self.model)
        self._pack = self._pack and packs(context)
        detach(self.model)
        self._attachments.append(modules)
        self._heads.append(head)
        own = [*modules.parameters(), *head.parameters()]
        return Member(architecture, groups, own, training, context, modules)

    @override
    @contextmanager
    def installed(self) -> Iterator[None]:
        parameters = (frozen_parameters(self.model) | head_parameters(self.model)).values()
        gradients = [p.requires_grad for p in parameters]
        try:
            for parameter in parameters:
                parameter.requires_grad_(False)
            for number, modules in enumerate(self._attachments):
                for pelt in modules.pelts():
                    pelt.install(self._shared.of(number))
            for module, *own in zip(self._head, *self._heads, strict=True):
                module.__dict__["forward"] = RowwiseHead(own, self._rows)
            yield
        finally:
            for module in self._head:
                module.__dict__.pop("forward", None)
            for modules in self._attachments:
                modules.remove()
            self._shared.remove()
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.requires_grad_(gradient)

    @override
    def set_training(self, training: bool) -> None:
        if training:
            lowest = (member.architecture.lowest_layer for member in self.members)
            layers = [layer for layer in lowest if layer is not None]
            set_backbone_mode(self.model, min(layers, default=None), self.dropout)
        else:
            self.model.eval()
        for modules, head in zip(self._attachments, self._heads, strict=True):
            modules.train(training)
            head.train(training and self.dropout)

    @property
    @override
    def scoring_batch(self) -> int:
        return max(1, super().scoring_batch // len(self.running))

    @override
    def losses(
        self, indices: Sequence[int], batch: dict[str, torch.Tensor], give: Feeder
    ) -> dict[int, torch.Tensor]:
        task = self.context.task
        outputs = self.outputs(indices, batch, give)
        return {number: task.loss_of_scores(own, batch) for number, own in outputs.items()}

    @override
    def predictions(
        self, indices: Sequence[int], batch: dict[str, torch.Tensor], give: Feeder
    ) -> dict[int, Sequence[object]]:
        task = self.context.task
        outputs = self.outputs(indices, batch, give)
        return {number: task.predictions(own, batch) for number, own in outputs.items()}

    @override
    def outputs(
        self, indices: Sequence[int], batch: dict[str, torch.Tensor], give: Feeder
    ) -> dict[int, SimpleNamespace]:
        members = self.running
        self._rows.members = tuple(members)
        wide = {
            name: value.repeat(len(members), *[1] * (value.dim() - 1))
            for name, value in self.context.task.inputs(batch).items()
            if name not in LABELS
        }
        give([*indices] * len(members), wide)
        if "position_ids" in wide:  # packed
            del wide["attention_mask"]
        parts = {
            name: value.chunk(len(members))
            for name, value in self.model(**wide).items()
            if isinstance(value, torch.Tensor) and value.dim()
        }
        return {
            number: SimpleNamespace(**{name: part[i] for name, part in parts.items()})
            for i, number in enumerate(members)
        }

    @override
    @contextmanager
    def attached(self, number: int) -> Iterator[None]:
        member = self.members[number]
        attach(self.model, member.architecture, random_seed=0, directions={})
        try:
            targets = [*attachment(self.model).parameters(), *self._head.parameters()]
            copy_values(member.own, targets)
            yield
        finally:
            detach(self.model)


def _head_modules(model: PreTrainedModel) -> tuple[nn.ModuleList, bool]:
    """The largest modules that hold nothing but task head, and whether they hold all of it."""
    head = {id(p) for p in head_parameters(model).values()}
    largest = nn.ModuleList()

    def look(module: nn.Module) -> None:
        for child in module.children():
            parameters = {id(p) for p in child.parameters()}
            if parameters and parameters <= head:
                largest.append(child)
            elif parameters & head:
                look(child)

    look(model)
    return largest, {id(p) for p in largest.parameters()} == head
