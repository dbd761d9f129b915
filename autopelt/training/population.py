"""Several architectures trained at once in one process, in one batch through the frozen weights.

A small model leaves a large GPU idle. K members that share the order of the data run as one batch
of K·B rows through each frozen matrix (`autopelt.modules.rows`); modules, task head, loss, gradient
clipping and optimiser are each member's own, so each learns what it would have learned alone, up to
the rounding of larger products. With backbone dropout on the random draws differ from those alone.
"""

import copy
import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.backbone import Backbone
from autopelt.backbones.load import reset_head
from autopelt.backbones.shapes import shapes_of_model
from autopelt.errors import UsageError
from autopelt.methods import check
from autopelt.modules.attachment import (
    Attachment,
    attach,
    attachment,
    detach,
    frozen_parameters,
    head_parameters,
    parameter_groups,
)
from autopelt.modules.checkpoint import save
from autopelt.modules.rows import Rows, RowwiseHead, SharedSites
from autopelt.study.config import TrainingConfig, derived_seed
from autopelt.training.batches import scoring_batches, training_batches
from autopelt.training.context import Context
from autopelt.training.loop import SCORING_BATCH, EpochResult, adamw, linear_schedule
from autopelt.training.modes import set_backbone_mode
from autopelt.training.precision import precision
from autopelt.training.spec import TrialFailure
from autopelt.training.trunk import Feeder, Trunk, boundary_of, open_trunk, skipping

LABELS = ("labels", "start_positions", "end_positions")
"""What of a batch is not for the model: its own loss would be over all members' rows."""

ALONE = ("deberta-v2",)
"""Model types whose attention sends a table of positions through the maps of the tokens as well."""


def can_share(architecture: Architecture, context: Context) -> bool:
    """Whether an architecture can be a member.

    Not with a prompt, whose rows would make members' sequences of different lengths; not under full
    fine-tuning, which has no frozen weights to share; not where texts are generated. What does not
    fit the backbone cannot either: it fails alone, and not the others with it.
    """
    model = context.model
    try:
        for module in architecture.modules:
            check(module, shapes_of_model(model))
    except UsageError:
        return False
    heads, complete = _head_modules(model)
    return (
        not architecture.full
        and all(module.layer is not None for module in architecture.modules)
        and (bool(architecture.modules) or bool(heads))
        and complete
        and context.task.kind != "generation"
        and model.config.model_type not in ALONE
        and not model.config.is_encoder_decoder
    )


@dataclass
class _Member:
    """One architecture and all that is its own."""

    architecture: Architecture
    random_seed: int
    made: Attachment
    heads: list[nn.Module]
    groups: list[dict[str, Any]]
    optimizer: torch.optim.Optimizer
    schedule: Any
    best_score: float = -math.inf
    best_state: list[torch.Tensor] = field(default_factory=list)
    failure: TrialFailure | None = None

    @property
    def trained(self) -> list[nn.Parameter]:
        return [p for group in self.groups for p in group["params"]]

    def keep(self) -> None:
        """Remember the state of now as the best."""
        self.best_state = [p.detach().clone() for p in self._own()]

    def restore(self) -> None:
        """Go back to the best state."""
        with torch.no_grad():
            for parameter, value in zip(self._own(), self.best_state, strict=True):
                parameter.copy_(value)

    def _own(self) -> list[nn.Parameter]:
        return [p for part in (self.made, *self.heads) for p in part.parameters()]


class Population:
    """Members on one backbone; `close` gives the backbone back as it was, bit for bit.

    Args:
        context: model, task and data.
        members: architecture and random seed of each; all of them `can_share`.
        training: epochs, batch size, schedule.
        order_seed: of the order of the examples, which all share.
    """

    def __init__(
        self,
        context: Context,
        members: Sequence[tuple[Architecture, int]],
        training: TrainingConfig,
        order_seed: int,
    ) -> None:
        self.context, self.training, self.order_seed = context, training, order_seed
        context.precision = precision(training.precision, context.device)
        self.model: PreTrainedModel = context.model
        self._rows = Rows()
        self._shared = SharedSites(Backbone(self.model), self._rows)
        self._head_modules, _ = _head_modules(self.model)
        steps = math.ceil(len(context.splits["train"].lengths) / training.batch_size)
        total = steps * training.epochs
        self.members = [self._member(a, seed, total) for a, seed in members]
        self._installed = False

    def _member(self, architecture: Architecture, random_seed: int, steps: int) -> _Member:
        model, training = self.model, self.training
        reset_head(model, derived_seed(random_seed, "head"), self.context.prior)
        attach(model, architecture, random_seed=derived_seed(random_seed, "modules"))
        groups = parameter_groups(model, multiplier=training.learning_rate_factor)
        made = attachment(model)
        heads = [copy.deepcopy(module) for module in self._head_modules]
        originals = [p for module in self._head_modules for p in module.parameters()]
        copies = [p for module in heads for p in module.parameters()]
        mine = {id(p): q for p, q in zip(originals, copies, strict=True)}
        for group in groups:
            group["params"] = [mine.get(id(p), p) for p in group["params"]]
        detach(model)
        optimizer = adamw(groups, training, self.context.device)
        schedule = linear_schedule(optimizer, steps, training.warmup)
        return _Member(architecture, random_seed, made, heads, groups, optimizer, schedule)

    # ------------------------------------------------------------------ on and off the backbone
    def _install(self) -> None:
        parameters = frozen_parameters(self.model) | head_parameters(self.model)
        self._gradients = {name: p.requires_grad for name, p in parameters.items()}
        for parameter in parameters.values():
            parameter.requires_grad_(False)
        self._installed = True
        for number, member in enumerate(self.members):
            sites = self._shared.of(number)
            for pelt in member.made.pelts():
                pelt.install(sites)
        for place, module in enumerate(self._head_modules):
            heads = [member.heads[place] for member in self.members]
            module.__dict__["forward"] = RowwiseHead(heads, self._rows)

    def close(self) -> None:
        """Take everything off the backbone."""
        if not self._installed:
            return
        self._installed = False
        for module in self._head_modules:
            del module.__dict__["forward"]
        for member in self.members:
            for pelt in reversed(member.made.pelts()):
                pelt.remove()
        self._shared.remove()
        parameters = frozen_parameters(self.model) | head_parameters(self.model)
        for name, parameter in parameters.items():
            parameter.requires_grad_(self._gradients[name])

    # ------------------------------------------------------------------ training
    def train(self) -> Generator[list[EpochResult | TrialFailure | None], None, None]:
        """Train all members, yielding after every epoch: one entry a member, in their order.

        A member whose loss or score is not finite fails alone: its entry is the `TrialFailure`,
        once, and then None. Members hold the weights of their best epoch at the end.
        """
        context, training = self.context, self.training
        order = torch.Generator().manual_seed(self.order_seed)
        lengths = context.splits["train"].lengths
        trunk = self._open_trunk()
        self._install()
        try:
            for epoch in range(1, training.epochs + 1):
                begun = time.perf_counter()
                running = [m for m in self.members if m.failure is None]
                if not running:
                    return
                losses = dict.fromkeys(range(len(self.members)), 0.0)
                with (
                    torch.random.fork_rng(devices=[]),
                    skipping(context, trunk, "train") as give,
                ):
                    torch.manual_seed(derived_seed(self.order_seed, "dropout", epoch))
                    self._training_mode()
                    for step, indices in enumerate(
                        training_batches(lengths, training.batch_size, order), start=1
                    ):
                        for number, loss in self._step(indices, give, epoch, step).items():
                            losses[number] += loss * len(indices)
                trained = time.perf_counter()
                metrics = self._score(trunk)
                scored = time.perf_counter()
                yield [
                    self._result(
                        number, epoch, losses[number] / len(lengths), metrics.get(number),
                        {"train": trained - begun, "score": scored - trained}, member in running,
                    )
                    for number, member in enumerate(self.members)
                ]  # fmt: skip
        finally:
            self.close()
            if trunk is not None:
                trunk.close()
        for member in self.members:
            if member.best_state:
                member.restore()

    def _open_trunk(self) -> Trunk | None:
        """The states below the lowest active module of all members, if each could use them."""
        architectures = [member.architecture for member in self.members]
        if any(module.gate == "mean" for a in architectures for module in a.modules):
            return None
        layers = len(Backbone(self.model).layers)
        return open_trunk(self.context, min(architectures, key=lambda a: boundary_of(a, layers)))

    def _training_mode(self) -> None:
        """As `set_training_mode`, with the lowest active module of all members."""
        lowest = [m.architecture.lowest_layer for m in self.members]
        layers = [layer for layer in lowest if layer is not None]
        set_backbone_mode(self.model, min(layers, default=None), self.training.dropout)
        for member in self.members:
            member.made.train()
            for head in member.heads:
                head.train(self.training.dropout)

    def _step(self, indices: list[int], give: Feeder, epoch: int, step: int) -> dict[int, float]:
        """One step of every member that has not failed; their losses."""
        alive = [k for k, m in enumerate(self.members) if m.failure is None]
        if not alive:
            return {}
        batch = self.context.batch("train", indices)
        parts = self._forward(indices, batch, alive, give)
        total = torch.zeros((), device=self.context.device)
        values: dict[int, float] = {}
        for number, outputs in parts.items():
            with self.context.autocast():
                loss = self.context.task.loss_of_scores(outputs, batch)
            value = float(loss.detach())
            if not math.isfinite(value):
                self.members[number].failure = TrialFailure.of_loss(value, step, epoch)
                continue
            total = total + loss
            values[number] = value
        if values:
            total.backward()
        for number in values:
            member = self.members[number]
            torch.nn.utils.clip_grad_norm_(member.trained, self.training.clip_norm, foreach=True)
            member.optimizer.step()
            member.schedule.step()
        for member in self.members:
            member.optimizer.zero_grad(set_to_none=True)
        return values

    def _forward(
        self,
        indices: Sequence[int],
        batch: dict[str, torch.Tensor],
        members: Sequence[int],
        give: Feeder,
    ) -> dict[int, Any]:
        """Outputs of each member for one batch of examples."""
        self._rows.members = tuple(members)
        inputs = self.context.task.inputs(batch)
        wide = {
            name: value.repeat(len(members), *[1] * (value.dim() - 1))
            for name, value in inputs.items()
            if name not in LABELS
        }
        give([*indices] * len(members), wide)
        with self.context.autocast():
            outputs = self.model(**wide)
        tensors = {
            name: value.chunk(len(members))
            for name, value in outputs.items()
            if isinstance(value, torch.Tensor) and value.dim()
        }
        return {
            number: SimpleNamespace(**{name: parts[i] for name, parts in tensors.items()})
            for i, number in enumerate(members)
        }

    @torch.inference_mode()
    def _score(self, trunk: Trunk | None) -> dict[int, dict[str, float]]:
        """Metrics of the selection split of every member that has not failed."""
        context = self.context
        alive = [k for k, m in enumerate(self.members) if m.failure is None]
        if not alive:
            return {}
        self.model.eval()
        for member in self.members:
            member.made.eval()
            for head in member.heads:
                head.eval()
        split = context.splits["selection"]
        predictions: dict[int, list[object]] = {k: [None] * len(split.lengths) for k in alive}
        with skipping(context, trunk, "selection") as give:
            for indices in scoring_batches(split.lengths, max(1, SCORING_BATCH // len(alive))):
                batch = context.batch("selection", indices)
                for number, outputs in self._forward(indices, batch, alive, give).items():
                    made = context.task.predictions(outputs, batch)
                    for i, prediction in zip(indices, made, strict=True):
                        predictions[number][i] = prediction
        return {k: context.task.score(predictions[k], split.encoded) for k in alive}

    def _result(
        self,
        number: int,
        epoch: int,
        loss: float,
        metrics: dict[str, float] | None,
        seconds: dict[str, float],
        was_running: bool,
    ) -> EpochResult | TrialFailure | None:
        member = self.members[number]
        if not was_running:
            return None
        if member.failure is None:
            assert metrics is not None
            metric = self.context.task.metric
            score = metric.value(metrics)
            if math.isfinite(score):
                best = score > member.best_score
                if best:
                    member.best_score = score
                    member.keep()
                share = {phase: value / len(self.members) for phase, value in seconds.items()}
                return EpochResult(epoch, loss, score, metrics, best, share)
            member.failure = TrialFailure.of_score(metric.name, score, epoch)
        return member.failure

    def save(self, number: int, folder: Path) -> None:
        """Write a member's modules and head as `attachment.save` does; after `train` only."""
        member = self.members[number]
        attach(self.model, member.architecture, random_seed=0)
        try:
            with torch.no_grad():
                for own, mine in zip(
                    attachment(self.model).parameters(), member.made.parameters(), strict=True
                ):
                    own.copy_(mine)
                for module, head in zip(self._head_modules, member.heads, strict=True):
                    for own, mine in zip(module.parameters(), head.parameters(), strict=True):
                        own.copy_(mine)
            save(self.model, folder)
        finally:
            detach(self.model)


def _head_modules(model: PreTrainedModel) -> tuple[list[nn.Module], bool]:
    """The largest modules that hold nothing but task head, and whether they hold all of it."""
    own = {id(p) for p in head_parameters(model).values()}
    found: list[nn.Module] = []

    def look(module: nn.Module) -> None:
        for child in module.children():
            parameters = {id(p) for p in child.parameters()}
            if parameters and parameters <= own:
                found.append(child)
            elif parameters & own:
                look(child)

    look(model)
    held = {id(p) for module in found for p in module.parameters()}
    return found, held == own
