"""From a configuration to all that a search needs, checked before anything is written or run."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import seed_architecture, shrink
from autopelt.backbones.head import head_size
from autopelt.backbones.identity import weights_identity
from autopelt.backbones.load import load_config, load_tokenizer
from autopelt.backbones.shapes import shapes_of_config
from autopelt.backbones.source import ModelSource
from autopelt.data.general_text import general_text, text_hash
from autopelt.data.source import DataFacts, Splits
from autopelt.errors import UsageError, parameter
from autopelt.methods.shapes import Shapes
from autopelt.space.bound import BoundSpace
from autopelt.space.rates import RateRange, nearest
from autopelt.space.space import SearchSpace
from autopelt.study.config import StudyConfig
from autopelt.study.facts import VERSION, BackboneFacts, StudyFacts, TaskFacts
from autopelt.study.objectives import COSTS
from autopelt.tasks import Task, make_task
from autopelt.tasks.by_group import scored_groups
from autopelt.tasks.prior import constant_score
from autopelt.training.context import data_source, length_limit
from autopelt.training.forgetting import unmeasurable
from autopelt.training.spec import Setup
from autopelt.workflows.reading import first_lines
from autopelt.workflows.tried_backbone import tried
from autopelt.workflows.warm_start import WarmStart, warm_start

PACKAGES = ("torch", "transformers", "datasets", "optuna", "ray", "botorch", "gpytorch")


@dataclass(frozen=True)
class Entry:
    """An architecture that a study evaluates before it proposes any of its own.

    Attributes:
        label: of a seed architecture its name, with ``~`` where it was shrunk and its learning
            rate where that is not its own: ``sapa~ x4``; else "".
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
        data: where the examples come from, and what becomes of them.
        notes: lines that a user must see before the search starts: what was read, what is odd.
    """

    config: StudyConfig
    shapes: Shapes
    counter: ShapeCounter
    limit: int
    space: BoundSpace
    seeds: tuple[Entry, ...]
    warm: WarmStart | None
    facts: StudyFacts
    data: DataFacts
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
    config, tried_notes = tried(config, folder)
    setup = Setup.of(config)
    source = setup.source
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
    general = general_text_hash(config, source, model_config)
    # The report split is looked at here alone, to count and check it; no trial is given it.
    splits = task.load(data_source(setup), report=True)
    facts = StudyFacts(
        version=VERSION,
        command=command,
        metric=score_name(task),
        limit=limit,
        head=head_size(model_config, task.head, task.outputs),
        backbone=backbone_facts(source, model_config, shapes),
        task=task_facts(task, splits, general_text=general),
        versions=versions(),
        warm_start=None if warm is None else warm.facts,
    )
    tokenizer = load_tokenizer(source)
    longest = length_limit(setup.max_length or task.max_length, tokenizer, model_config)
    notes = [*tried_notes, *first_lines(task, splits, tokenizer, longest), *splits.facts.notes]
    if warm is not None:
        notes.append(warm.words(config.sampler))
    return Plan(
        config, shapes, counter, limit, space, seeds, warm, facts, splits.facts, tuple(notes)
    )


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


def general_text_hash(config: StudyConfig, source: ModelSource, model_config: Any) -> str:
    """Of the text on which trained architectures are measured; "" where none are.

    Raises:
        UsageError: the model has no such measure, or the text cannot be read or has no use.
    """
    wanted = [name for name in config.objectives.watched if COSTS[name].trained]
    for name in wanted:
        reason = unmeasurable(name, source.name, model_config)
        if reason:
            raise UsageError(reason)
    if wanted:
        return text_hash(general_text(config.general_text))
    if config.general_text is not None:
        raise UsageError(
            f"{parameter('general_text')} has no effect with objectives {config.objectives}; try "
            f"{parameter('objectives', 'score,params,forgetting')}."
        )
    return ""


def task_facts(task: Task, splits: Splits, general_text: str = "") -> TaskFacts:
    """What a study keeps of its task and data."""
    return TaskFacts(
        name=task.name,
        title=task.title,
        kind=task.kind,
        labels=tuple(task.labels),
        constant=constant_score(task, splits.train, splits.selection),
        groups=scored_groups(splits.selection),
        **splits.facts.stored(),
        general_text=general_text,
    )


def seed_entries(
    config: StudyConfig, shapes: Shapes, counter: ShapeCounter, limit: int
) -> tuple[Entry, ...]:
    """Seed architectures in order of evaluation, each once at a learning rate.

    By default those whose methods and places the space has: at most a third of the trials, but two
    at least; a longer study begins like a shorter one. They come at their own learning rate and at
    a higher one that the space offers. What is over the budget is shrunk to fit, as ``name~``; of
    the first names it comes as it is too, a reference point, up to twice the budget.

    What a user names comes as it is, whatever the space and the budget, then shrunk; higher rates
    follow as far as a third of the trials goes.
    """
    own, high = first_rates(config)
    third = max(2, config.trials // 3)

    def entry(name: str, rate: float, fitting: bool) -> Entry | None:
        whole = seed_architecture(name, shapes)
        made = shrink(whole, counter, limit) if fitting else whole
        if made is None:
            return None
        label = (name if made == whole else f"{name}~") + ("" if rate == 1 else f" x{rate:g}")
        return Entry(label, replace(made, learning_rate_multiplier=rate))

    entries: list[Entry | None] = []
    later: list[Entry | None] = []
    if config.seed_architectures is not None:
        for place, name in enumerate(config.seed_architectures):
            entries.append(entry(name, own, fitting=False))
            later.append(entry(name, own, fitting=True))
            if place >= 3:  # the first four are compared with before anything is shrunk
                entries += later
                later = []
        room = len(_each_once(entries + later))
        later += [entry(name, high, fitting=True) for name in config.seed_architectures]
        room = max(room, third)
    else:
        names = [n for n in default_seeds(shapes) if _says(config.space, n, shapes)]
        order = [*FIRST, *((n, h) for n in names if n not in dict(FIRST) for h in (False, True))]
        for place, (name, higher) in enumerate(order):
            if name in names:
                entries.append(entry(name, high if higher else own, fitting=True))
                whole = seed_architecture(name, shapes)
                over = limit < counter.count(whole).deployed <= 2 * limit
                if over and not higher and name in dict(FIRST):
                    later.append(entry(name, own, fitting=False))
            if place + 1 == len(FIRST):  # what is within the budget comes before the references
                entries += later
                later = []
        room = third
    return tuple(_each_once(entries + later)[: min(room, config.trials)])


def _each_once(entries: Sequence[Entry | None]) -> list[Entry]:
    unique: dict[str, Entry] = {}
    for entry in entries:
        if entry is not None:
            unique.setdefault(entry.architecture.id, entry)
    return list(unique.values())


HIGHER = 4.0
"""Times the methods' own learning rates: short trainings want more than what was published."""

FIRST = (
    *(("unipelt", False), ("pt-unipelt", False)),
    *(("adapter-pfeiffer", False), ("adapter-pfeiffer", True), ("head-only", False)),
    *(("sapa", True), ("sapa", False), ("lora-r8", False), ("lora-r8", True)),
    *(("unipelt", True), ("pt-unipelt", True)),
)
"""Seed architectures that come first, and whether at a higher learning rate: what was published,
then what was best on real tasks, so that a model sees early what a rate does."""


def default_seeds(shapes: Shapes) -> tuple[str, ...]:
    """What a careful person would try by hand, in order."""
    return (
        *dict(FIRST),
        f"adapterdrop-{max(1, shapes.layers // 2)}",
        "lora-r2",
        "prefix-10",
        "lora-r32",
        "lora-r4",
        "adapter-parallel",
        "lora-r16",
        "mam",
        "lora-r1",
    )


def first_rates(config: StudyConfig) -> tuple[float, float]:
    """At which hand-made architectures enter: the offered factors nearest to 1 and to 4.

    The latter together with the factor that all rates of the study have; of a list it is the
    largest. They are equal where the space offers nothing higher.
    """
    space = config.space
    own = nearest(1.0, space.rates)
    high = max(1.0, HIGHER / config.training.learning_rate_factor)
    ranged = isinstance(space.learning_rate_multiplier, RateRange)
    return own, nearest(high, space.rates) if ranged else max(space.rates)


def _says(space: SearchSpace, name: str, shapes: Shapes) -> bool:
    """Whether the space has every method of a seed architecture where it sits, in any size."""
    offered = {
        (row.method, at, layer)
        for row in space.modules
        for at in row.location
        for layer in row.layers_of(shapes.layers)
    }
    modules = seed_architecture(name, shapes).modules
    return all((m.method, m.location, m.layer) in offered for m in modules)


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
