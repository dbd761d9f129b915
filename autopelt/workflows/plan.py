"""From a configuration to all that a search needs, checked before anything is written or run."""

import os
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import seed_architecture, shrink
from autopelt.backbones.head import head_size
from autopelt.backbones.identity import weights_identity
from autopelt.backbones.load import load_config
from autopelt.backbones.shapes import shapes_of_config
from autopelt.backbones.source import ModelSource, resolve
from autopelt.data.source import Splits
from autopelt.methods.shapes import Shapes
from autopelt.space.bound import BoundSpace
from autopelt.study.config import StudyConfig
from autopelt.study.facts import VERSION, BackboneFacts, StudyFacts, TaskFacts
from autopelt.tasks import Task, make_task
from autopelt.tasks.prior import constant_score
from autopelt.training.context import data_source
from autopelt.training.spec import Setup
from autopelt.workflows.warm_start import WarmStart, warm_start

PACKAGES = ("torch", "transformers", "datasets", "optuna", "ray", "botorch", "gpytorch")


@dataclass(frozen=True)
class Entry:
    """An architecture that a study evaluates before it proposes any of its own.

    Attributes:
        label: of a seed architecture its name, with ``~`` where it was shrunk; else "".
        origin: ``seed``, or ``warm``: from the front of the study of a warm start.
        source: of the latter the trial it was there, ``rte-minilm-1pct:12``.
    """

    label: str
    architecture: Architecture
    origin: str = "seed"
    source: str = ""


@dataclass(frozen=True)
class Plan:
    """A study that can start.

    Attributes:
        config: resolved configuration.
        shapes: the backbone's.
        counter: counts parameters on it.
        limit: the budget as a number of parameters.
        space: the search space under the budget.
        seeds: seed architectures in the order they are evaluated.
        warm: the study of a warm start, or None.
        facts: what the study keeps of all this.
        notes: sentences that a user must see before the search starts.
    """

    config: StudyConfig
    shapes: Shapes
    counter: ShapeCounter
    limit: int
    space: BoundSpace
    seeds: tuple[Entry, ...]
    warm: WarmStart | None
    facts: StudyFacts
    notes: tuple[str, ...]

    @property
    def first(self) -> tuple[Entry, ...]:
        """What is evaluated first, in order: seed architectures, then a warm start's front."""
        if self.warm is None:
            return self.seeds
        name = self.warm.facts.study
        taken = (Entry("", a, "warm", f"{name}:{number}") for number, a in self.warm.early)
        known = {entry.architecture.id for entry in self.seeds}
        return (*self.seeds, *(e for e in taken if e.architecture.id not in known))


def make_plan(config: StudyConfig, command: str, folder: Path | None = None) -> Plan:
    """Check a configuration against its model, task and data.

    Args:
        command: the command line, for the record.
        folder: of the study, where it exists: what it keeps of a warm start counts.

    Raises:
        UsageError: unknown names; a space that does not fit the backbone.
        UnavailableError: model or data are not to be had.
        InfeasibleError: no architecture fits the budget.
    """
    task = make_task(config.task)
    setup = Setup.of(config)
    source = resolve(setup.model)
    model_config = load_config(source)
    task = task.for_model(model_config)
    shapes = shapes_of_config(model_config)
    counter = ShapeCounter(shapes)
    limit = config.budget.limit(shapes.backbone_parameters)
    minimum = 0
    if config.min_budget is not None:
        minimum = config.min_budget.limit(shapes.backbone_parameters)
    space = BoundSpace(config.space, shapes, counter, limit, minimum)
    seeds = seed_entries(config, shapes, counter, limit)
    warm = None
    if config.warm_start is not None:
        room = max(0, config.trials - len(seeds)) // 3
        small_too = config.objectives.weigh_costs
        warm = warm_start(config.warm_start, space, folder, room, small_too=small_too)
    splits = task.load(data_source(setup))
    facts = StudyFacts(
        version=VERSION,
        command=command,
        metric=score_name(task),
        limit=limit,
        head=head_size(model_config, task.head, task.outputs),
        backbone=backbone_facts(source, model_config, shapes),
        task=task_facts(task, splits),
        versions=versions(),
        warm_start=None if warm is None else warm.facts,
    )
    notes = list(splits.facts.notes)
    if warm is not None:
        notes.append(warm.words(config.sampler))
    return Plan(config, shapes, counter, limit, space, seeds, warm, facts, tuple(notes))


def backbone_facts(source: ModelSource, config: Any, shapes: Shapes) -> BackboneFacts:
    """What a study keeps of its backbone."""
    return BackboneFacts(
        name=source.name,
        family=shapes.family,
        parameters=shapes.backbone_parameters,
        layers=shapes.layers,
        hidden=shapes.hidden,
        revision=source.revision or "",
        weights=weights_identity(source, config),
    )


def task_facts(task: Task, splits: Splits, report_hash: str = "") -> TaskFacts:
    """What a study keeps of its task and data."""
    return TaskFacts(
        name=task.name,
        title=task.title,
        kind=task.kind,
        labels=tuple(task.labels),
        constant=constant_score(task, splits.train, splits.selection),
        **splits.facts.stored(),
        report_hash=report_hash,
    )


def seed_entries(
    config: StudyConfig, shapes: Shapes, counter: ShapeCounter, limit: int
) -> tuple[Entry, ...]:
    """Seed architectures in order of evaluation, each architecture once.

    One over the budget stands twice: as it is, a reference point outside, and shrunk to fit, as
    ``name~``. A study of few trials keeps three in seven of them for the search.
    """
    names = config.seed_architectures
    chosen = default_seeds(shapes) if names is None else names
    room = len(chosen) * 2 if names is not None else max(6, config.trials * 4 // 7)
    ordered: list[Entry] = []
    shrunk: list[Entry] = []
    for place, name in enumerate(chosen):
        entry = Entry(name, seed_architecture(name, shapes))
        ordered.append(entry)
        if counter.count(entry.architecture).deployed > limit:
            small = shrink(entry.architecture, counter, limit)
            if small is not None:
                shrunk.append(Entry(f"{name}~", small))
        if place >= 3:  # the first four are compared with before anything is shrunk
            ordered += shrunk
            shrunk = []
    unique: dict[str, Entry] = {}
    for entry in ordered + shrunk:
        unique.setdefault(entry.architecture.id, entry)
    return tuple(unique.values())[: min(room, config.trials)]


def default_seeds(shapes: Shapes) -> tuple[str, ...]:
    """What a careful person would try by hand."""
    return (
        "head-only",
        "unipelt",
        "pt-unipelt",
        "lora-r8",
        "adapter-pfeiffer",
        "lora-r2",
        "prefix-10",
        "lora-r16",
        "sapa",
        "lora-r4",
        f"adapterdrop-{max(1, shapes.layers // 2)}",
        "lora-r1",
        "mam",
        "lora-r32",
    )


def score_name(task: Task) -> str:
    """What a study calls its score, which is always maximised."""
    return task.metric.name if task.metric.higher_is_better else f"negative {task.metric.name}"


def versions() -> dict[str, str]:
    """Versions of what decides a result."""
    own = str(sys.modules["autopelt"].__version__)
    found = {"python": ".".join(map(str, sys.version_info[:3])), "autopelt": own}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def default_threads(workers: int) -> int:
    """CPU threads of one worker: the cores, divided."""
    return max(1, len(os.sched_getaffinity(0)) // workers)
