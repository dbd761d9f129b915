"""A search of a user's own model object and training function: its plan, and how its trials run.

All happens in this process, one trial after another: neither a model object nor a function need be
such that another process could have it.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from autopelt.architecture.counter import ShapeCounter
from autopelt.backbones.backbone import Backbone
from autopelt.backbones.families import FAMILIES
from autopelt.data.source import DataFacts
from autopelt.errors import UsageError, did_you_mean, parameter
from autopelt.execution.here import run_here
from autopelt.execution.source import TrialSource
from autopelt.modules.probe import failures
from autopelt.space.fitting import fitted, places_of
from autopelt.study.config import StudyConfig
from autopelt.study.facts import NEGATIVE, VERSION, BackboneFacts, StudyFacts, TaskFacts
from autopelt.training.own_model import OwnModel
from autopelt.training.own_trial import OwnLoop, reason
from autopelt.workflows.plan import Plan, fit, versions
from autopelt.workflows.settings import check_sampler, checked_config

KIND = "own training"
"""What such a study's task is called."""

ALLOWED = (
    *("budget", "min_budget", "space", "sampler", "objectives", "early_stopping", "trials"),
    *("repeats", "epochs", "learning_rate_factor", "margin", "random_seed", "seeds", "warm_start"),
    *("storage", "tensorboard", "own_methods"),
)
"""Options that say something to such a search."""

LOOP = "training function"
"""Among the versions of a study: a hash of the function's own text."""


def own_config(loop: OwnLoop, task: str, choices: Mapping[str, Any]) -> StudyConfig:
    """The configuration of such a search.

    Args:
        task: what to call it.
        choices: options (`ALLOWED`); None is not given.

    Raises:
        UsageError: a wrong value, or an option that only autopelt's own training has.
    """
    given = {name: value for name, value in choices.items() if value is not None}
    for name in given:
        if name not in ALLOWED:
            raise UsageError(
                f"{parameter(name)} has no effect where {parameter('train')} is a function: "
                f"{did_you_mean(name, ALLOWED)}"
            )
    if given.get("early_stopping") and "epochs" not in given:
        raise UsageError(
            f"{parameter('early_stopping')} needs {parameter('epochs')}: how many scores "
            f"'{loop.name}' reports of a whole trial."
        )
    fixed = {
        "task": task,
        "model": loop.model.name,
        "own_loop": loop.name,
        "workers": 1,
        "cache_memory": "off",
    }
    config = checked_config(fixed, given, {"epochs": 1})
    if config.objectives.watched:
        raise UsageError(
            f"{parameter('objectives', str(config.objectives))}: costs are measured by autopelt's "
            f"own training; with a function of yours take 'score', 'score,params' or 'both'."
        )
    return config


def own_plan(loop: OwnLoop, config: StudyConfig, command: str, folder: Path | None) -> Plan:
    """What such a search needs, checked on the model before anything is written.

    Raises:
        UsageError: the space does not fit the model; nothing of it works there.
        InfeasibleError: no architecture fits the budget.
    """
    check_sampler(config.sampler)
    own = loop.model
    config, shapes, notes = _tried(own, config)
    writing = shapes.decoder and not own.head
    config = config.model_copy(update={"space": config.space.of(writing=writing)})
    counter = ShapeCounter(shapes)
    limit, space, seeds, warm = fit(config, shapes, counter, folder, head=own.head > 0)
    facts = StudyFacts(
        version=VERSION,
        command=command,
        metric=loop.metric if loop.higher_is_better else NEGATIVE + loop.metric,
        limit=limit,
        head=own.head,
        backbone=BackboneFacts(
            name=own.origin,
            family=shapes.family,
            parameters=shapes.backbone_parameters,
            layers=shapes.layers,
            hidden=shapes.hidden,
            weights=own.weights(),
        ),
        task=TaskFacts(name=config.task, kind=KIND, source=_place(loop)),
        versions=versions() | _text_of(loop.function),
        warm_start=None if warm is None else warm.facts,
    )
    data = DataFacts("own", _place(loop))
    return Plan(config, shapes, counter, limit, space, seeds, warm, facts, data, tuple(notes))


def run_own(loop: OwnLoop) -> Callable[[TrialSource], None]:
    """What runs the trials of such a search."""

    def run(source: TrialSource) -> None:
        run_here(source, loop.run, lambda error, spec: reason(error, spec.log))

    return run


def _tried(own: OwnModel, config: StudyConfig) -> tuple[StudyConfig, Any, list[str]]:
    """The configuration with what works on the model; a family of the table is tested already."""
    shapes = own.shapes
    if shapes.family in FAMILIES:
        return config, shapes, []
    places = places_of(config.space, shapes)
    # On the bare backbone: what is around it may want more inputs than tokens.
    failed = failures(Backbone(own.backbone(own.copy())).base, places)
    unfit = {f"{method}@{at}" for method, at in failed}
    shapes = replace(shapes, unfit=tuple(sorted({*shapes.unfit, *unfit})))
    space = fitted(config.space, shapes)
    if space is None:
        raise UsageError(
            f"nothing of space '{config.space.name}' works on this {shapes.family} "
            f"({next(iter(failed.values()))}); describe the model with autopelt.register_family, "
            "see docs/adding-a-family.md."
        )
    left = f" Left out: {', '.join(sorted(unfit))}." if unfit else ""
    note = (
        f"Places of this {shapes.family} are found by structure; tried on the model, "
        f"{len(places) - len(failed)} of {len(places)} work.{left}"
    )
    return config.model_copy(update={"space": space}), shapes, [note]


def _place(loop: OwnLoop) -> str:
    """``train in my_search.py``."""
    code = getattr(inspect.unwrap(loop.function), "__code__", None)
    return loop.name if code is None else f"{loop.name} in {Path(code.co_filename).name}"


def _text_of(function: Callable[..., Any]) -> dict[str, str]:
    """A hash of what the function says, where that can be read, to tell when it has changed."""
    try:
        text = inspect.getsource(inspect.unwrap(function))
    except (OSError, TypeError):
        return {}
    return {LOOP: hashlib.sha256(text.encode()).hexdigest()[:8]}
