"""Train one architecture of a study for keeps: what, how, where to, and then the training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.backbones.load import load_config
from autopelt.backbones.shapes import shapes_of_config
from autopelt.errors import InfeasibleError, UsageError, parameter, require_positive
from autopelt.study.config import StudyConfig, derived_seed
from autopelt.study.lookup import choose_trial, find_architecture, split_study
from autopelt.study.storage import StudyStorage
from autopelt.system.files import check_writable
from autopelt.training.results import EpochResult, TrialFailure
from autopelt.training.spec import Setup


@dataclass(frozen=True)
class Training:
    """A training that is about to begin.

    Attributes:
        name: of what is trained, for a person.
        architecture: what is trained.
        metric: name of the score.
        epochs: how many.
        folder: where the model goes.
    """

    name: str
    architecture: Architecture
    metric: str
    epochs: int
    folder: Path


def train(
    place: str,
    architecture: str | Architecture | None,
    *,
    out: str | Path | None,
    epochs: int | None,
    random_seed: int | None,
    data: str | Path | None,
    force: bool,
    on_start: Callable[[Training], None],
    on_epoch: Callable[[Training, EpochResult], None],
) -> dict[str, Any]:
    """As `autopelt.train`; `place` is ``STUDY`` or ``STUDY:TRIAL``."""
    from autopelt.training.final import train_model

    folder, which = split_study(place) or (Path(place), "")
    if which and architecture is not None:
        raise UsageError(f"give a trial ('{place}') or {parameter('architecture')}, not both.")
    study = StudyStorage.open(folder)
    study.require_places(*(["data"] if data is not None else []))
    schedule, setup = study.config.training, Setup.of(study.config, study.facts.task)
    if architecture is None:
        trial = choose_trial(study.record(), which)
        name, chosen, seed = trial.name, trial.architecture, trial.random_seed
    else:
        name, chosen = _named(architecture, study.config)
        seed = derived_seed(study.config.random_seed, "train")
    seed = seed if random_seed is None else random_seed
    if seed < 0:
        raise UsageError(f"{parameter('random_seed', seed)} is negative; it must be 0 or more.")
    if data is not None:
        setup = replace(setup, data=str(Path(data).resolve()))
    if epochs is not None:
        require_positive(epochs=epochs)
        schedule = schedule.model_copy(update={"epochs": epochs})
    target = _target(folder, out, force)
    training = Training(name, chosen, study.facts.metric, schedule.epochs, target)
    on_start(training)
    try:
        known = train_model(
            setup, chosen, schedule, seed, target, lambda result: on_epoch(training, result)
        )
    except TrialFailure as error:
        raise InfeasibleError(f"the training failed: {error}.") from None
    return known.to_dict() | {"folder": str(target)}


def train_trial(place: str, out: Path) -> None:
    """Train a trial of a study again as it was trained there; `place` is ``STUDY:TRIAL``."""
    as_it_was: dict[str, Any] = dict.fromkeys(("architecture", "epochs", "random_seed", "data"))
    train(
        place,
        **as_it_was,
        out=out,
        force=False,
        on_start=lambda training: None,
        on_epoch=lambda training, result: None,
    )


def _named(wanted: str | Architecture, config: StudyConfig) -> tuple[str, Architecture]:
    """An architecture that the study's backbone can carry, and its name for a person."""
    shapes = shapes_of_config(load_config(Setup.of(config).source))
    if isinstance(wanted, Architecture):
        name, chosen = f"architecture {wanted.id}", wanted
    else:
        named = find_architecture(wanted, shapes)
        name, chosen = named.name, named.architecture
    ShapeCounter(shapes).count(chosen)
    return name, chosen


def _target(study: Path, out: str | Path | None, force: bool) -> Path:
    """The folder to make. Raises UsageError where it is in use."""
    target = Path(out) if out is not None else study / "trained"
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        if out is not None:
            raise UsageError(f"'{target}' is not empty; give another {parameter('out')}.")
        if not force:
            raise UsageError(
                f"'{target}' holds a trained model already; give {parameter('out')}, or "
                f"{parameter('force', True)} to replace it."
            )
    check_writable(target)
    return target
