"""From a configuration to all that a search needs, checked before anything is written or run.

What a mistake in an option can break is checked first and takes no torch where the model is known:
`bind`; then model and data: `make_plan`.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopelt.architecture.counter import ShapeCounter
from autopelt.backbones.families import FAMILIES
from autopelt.backbones.sizes import Sizes, sizes_of
from autopelt.backbones.source import ModelSource
from autopelt.data.general_text import general_text, text_hash
from autopelt.data.source import DataFacts, Splits
from autopelt.errors import UsageError, parameter
from autopelt.methods import named
from autopelt.methods.shapes import Shapes
from autopelt.space.bound import BoundSpace
from autopelt.study.config import QUANTISED, StudyConfig, require_no_own_loop
from autopelt.study.facts import NEGATIVE, VERSION, BackboneFacts, StudyFacts, TaskFacts
from autopelt.study.objectives import COSTS
from autopelt.system.files import check_writable
from autopelt.tasks import Task, make_task
from autopelt.tasks.by_group import scored_groups
from autopelt.tasks.prior import constant_score
from autopelt.training.spec import Setup, data_source
from autopelt.workflows.entries import Entry, seed_entries
from autopelt.workflows.memory import Forecast, facts_of
from autopelt.workflows.reading import LOOKED_AT, first_lines, lengths_of, some_encoded
from autopelt.workflows.settings import check_sampler

if TYPE_CHECKING:
    from autopelt.workflows.warm_start import WarmStart

PACKAGES = ("torch", "transformers", "datasets", "optuna", "ray", "botorch", "gpytorch")


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
        forecast: what it takes of memory, or None where that is not known.
    """

    config: StudyConfig
    shapes: Shapes
    counter: ShapeCounter
    limit: int
    space: BoundSpace
    seeds: tuple[Entry, ...]
    warm: "WarmStart | None"
    facts: StudyFacts
    data: DataFacts
    notes: tuple[str, ...]
    forecast: Forecast | None = None

    @property
    def first(self) -> tuple[Entry, ...]:
        """What is evaluated first, in order: seed architectures, then a warm start's front."""
        if self.warm is None:
            return self.seeds
        name = self.warm.facts.study
        taken = (Entry("", a, "warm", f"{name}:{number}") for number, a in self.warm.early)
        known = {entry.architecture.id for entry in self.seeds}
        return (*self.seeds, *(e for e in taken if e.architecture.id not in known))


@dataclass(frozen=True)
class Bound:
    """A configuration on its model; attributes as of `Plan`, notes on the model alone."""

    config: StudyConfig
    task: Task
    sizes: Sizes
    counter: ShapeCounter
    limit: int
    space: BoundSpace
    seeds: tuple[Entry, ...]
    warm: "WarmStart | None"
    notes: tuple[str, ...]


def bind(config: StudyConfig, folder: Path | None = None) -> Bound:
    """Check names, paths, budget and space against the model's sizes; reads no example.

    Args:
        folder: of the study, where it exists: what it keeps of a warm start counts.

    Raises:
        UsageError: unknown names; a space that does not fit the backbone; a precision that this
            machine cannot.
        UnavailableError: the model, a folder of data or a package is not to be had.
        InfeasibleError: no architecture fits the budget.
    """
    require_no_own_loop(config.own_loop)
    check_sampler(config.sampler)
    if folder is not None:
        check_writable(folder)
    task = make_task(config.task)
    setup = Setup.of(config)
    if setup.data is not None:
        task.origin.find(data_source(setup))
    sizes, notes = sizes_of(setup.source), _precision_notes(config)
    if sizes.described or sizes.model_type not in FAMILIES:
        from autopelt.workflows.tried_backbone import tried

        config, found = tried(config, folder)
        notes += found
        setup = Setup.of(config)
        sizes = sizes_of(setup.source)
    counter = ShapeCounter(sizes.shapes)
    writing = sizes.shapes.decoder and not task.outputs
    config = config.model_copy(update={"space": config.space.of(writing=writing)})
    fitted = fit(config, sizes.shapes, counter, folder, head=task.outputs > 0)
    return Bound(config, task, sizes, counter, *fitted, tuple(notes))


Fitted = tuple[int, BoundSpace, tuple[Entry, ...], "WarmStart | None"]
"""Of `fit`."""


def fit(
    config: StudyConfig,
    shapes: Shapes,
    counter: ShapeCounter,
    folder: Path | None,
    *,
    head: bool,
) -> Fitted:
    """The budget as a number, the space under it, seed architectures, and the warm start.

    Args:
        head: whether something trains beside the modules.
    """
    limit = config.budget.limit(shapes.backbone_parameters)
    minimum = 0
    if config.min_budget is not None:
        minimum = config.min_budget.limit(shapes.backbone_parameters)
    space = BoundSpace(config.space, shapes, counter, limit, minimum)
    seeds = seed_entries(config, shapes, counter, limit, head=head)
    warm = None
    if config.warm_start is not None:
        from autopelt.workflows.warm_start import warm_start

        room = max(0, config.trials - len(seeds)) // 3
        small_too = config.objectives.weigh_costs
        warm = warm_start(config.warm_start, space, folder, room, small_too=small_too)
    return limit, space, seeds, warm


def _precision_notes(config: StudyConfig) -> list[str]:
    """Check that weights can be kept as asked for, and say what that costs some methods."""
    wanted = config.training.precision
    if wanted not in QUANTISED:
        return []
    from autopelt.backbones.quantised import require

    require(wanted)
    reading = {row.method: named(row.method).reads_weight for row in config.space.modules}
    return [
        f"{method} reads the frozen weight {when}: in {wanted} it is brought back each time"
        for method, when in reading.items()
        if when
    ]


def make_plan(
    config: StudyConfig,
    command: str,
    folder: Path | None = None,
    bound: Bound | None = None,
    on_read: Callable[[], object] = lambda: None,
) -> Plan:
    """Check a configuration against its model, task and data.

    Args:
        command: the command line, for the record.
        folder: as in `bind`.
        bound: from `bind`, where it is known already.
        on_read: is called when the data are read, before they and the model are tried: what is
            worth starting for a study that is likely to begin.

    Raises:
        UsageError: unknown names; a space that does not fit the backbone.
        UnavailableError: model or data are not to be had.
        InfeasibleError: no architecture fits the budget.
    """
    bound = bound or bind(config, folder)
    config = bound.config
    setup = Setup.of(config)
    source = setup.source
    # From here on torch is needed.
    from autopelt.backbones.load import load_config, load_tokenizer
    from autopelt.training.context import length_limit

    model_config = load_config(source)
    task, shapes, warm = bound.task.for_model(model_config), bound.sizes.shapes, bound.warm
    general = general_text_hash(config, source, model_config)
    # The report split is looked at here alone, to count and check it; no trial is given it.
    splits = task.load(data_source(setup), report=True)
    on_read()
    facts = StudyFacts(
        version=VERSION,
        command=command,
        metric=score_name(task),
        limit=bound.limit,
        head=bound.sizes.head(task.head, task.outputs),
        backbone=backbone_facts(source, model_config, shapes),
        task=task_facts(task, splits, general_text=general),
        versions=versions(),
        warm_start=None if warm is None else warm.facts,
    )
    tokenizer = load_tokenizer(source)
    longest = length_limit(setup.max_length or task.max_length, tokenizer, model_config)
    if task.writes and (setup.max_length or 0) > longest:
        raise UsageError(
            f"{parameter('max_length', setup.max_length)} is more than the {longest} tokens that "
            f"'{source.name}' can read; give at most {longest}."
        )
    encoded = some_encoded(task, splits.train, tokenizer, longest)
    first = first_lines(task, splits, tokenizer, longest, encoded)
    _rehearse(bound, setup, task, splits, encoded)
    notes = [*bound.notes, *first, *splits.facts.notes]
    if warm is not None:
        notes.append(warm.words(config.sampler))
    return Plan(
        config,
        shapes,
        bound.counter,
        bound.limit,
        bound.space,
        bound.seeds,
        warm,
        facts,
        splits.facts,
        tuple(notes),
        _forecast(bound, facts, task, model_config, lengths_of(encoded)),
    )


def _rehearse(bound: Bound, setup: Setup, task: Task, splits: Splits, encoded: Any) -> None:
    """Try a step on a few examples, unless the model is large: every trial loads it anyway."""
    from autopelt.training.rehearsal import LARGEST, Rehearsal, rehearse

    if bound.sizes.shapes.backbone_parameters > LARGEST:
        return
    lengths = lengths_of(encoded)
    some = -(-len(splits.train) // LOOKED_AT)
    longest = some * max(range(len(lengths)), key=lengths.__getitem__) if lengths else 0
    everything = bound.space.all_at_once()
    rehearse(Rehearsal(setup, task, splits, longest, everything, bound.config.training))


def _forecast(
    bound: Bound, facts: StudyFacts, task: Task, model_config: Any, lengths: list[int]
) -> Forecast | None:
    """What the study takes of memory; None where an example has no tokens."""
    import torch

    from autopelt.training.precision import precision

    if not lengths:
        return None
    trained = facts.limit + facts.head
    examples = (facts.task.train or 0) + (facts.task.selection or 0)
    gpus = [torch.device("cuda", n) for n in range(torch.cuda.device_count())]
    wanted = bound.config.training.precision
    return Forecast(
        facts_of(bound.sizes.shapes, model_config, task.writes, trained, lengths, examples),
        precision(wanted, gpus[0] if gpus else torch.device("cpu")),
        tuple(torch.cuda.mem_get_info(gpu)[0] for gpu in gpus),
    )


def backbone_facts(source: ModelSource, config: Any, shapes: Shapes) -> BackboneFacts:
    """What a study keeps of its backbone."""
    from autopelt.backbones.identity import weights_identity

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
        from autopelt.training.forgetting import unmeasurable

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
    judged = task.judged(len(splits.selection))
    return TaskFacts(
        name=task.name,
        title=task.title,
        kind=task.kind,
        labels=tuple(task.labels),
        constant=constant_score(task, splits.train, splits.selection),
        groups=scored_groups(splits.selection),
        **splits.facts.stored(),
        general_text=general_text,
        score_hash=task.score_hash,
        judged=judged if judged < len(splits.selection) else None,
    )


def score_name(task: Task) -> str:
    """What a study calls its score, which is always maximised."""
    return task.metric.name if task.metric.higher_is_better else NEGATIVE + task.metric.name


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
