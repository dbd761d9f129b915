"""From a user's choices, as options or as keywords, to a configuration."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopelt.backbones.description import load, plain, read
from autopelt.backbones.source import MINILM
from autopelt.data.user_files import hub_set
from autopelt.errors import UnavailableError, UsageError, command, did_you_mean, parameter
from autopelt.methods.own_file import run_own_file
from autopelt.space.space import shipped_spaces
from autopelt.study.config import (
    CONFIG,
    STUDIES,
    StudyConfig,
    read_values,
    require_no_own_loop,
)
from autopelt.study.meaning import meaning
from autopelt.system.files import expanded, read_text
from autopelt.tasks import TASKS, Task, make_task, task_from_files
from autopelt.workflows.options import OPTIONS, Option, option_meant

if TYPE_CHECKING:
    from autopelt.study.storage import StudyStorage

_OWN_DATA = tuple(name for name, option in OPTIONS.items() if option.lands == "own data")

GIVEN = "what is given"
"""Where a wrong value comes from that no file holds."""


def resolve_config(config_file: str | None, given: Mapping[str, Any]) -> StudyConfig:
    """A configuration of options over a configuration file over the task's own usual values.

    Args:
        config_file: its path, or None.
        given: option (`OPTIONS`), or field of `StudyConfig`, -> value; None is not given.

    Raises:
        UsageError: every wrong key and value at once.
    """
    source, values = GIVEN, dict[str, Any]()
    if config_file is not None:
        source = f"configuration '{config_file}'"
        if (Path(config_file) / CONFIG).is_file():
            raise UsageError(f"{source} is a folder; did you mean {Path(config_file) / CONFIG}?")
        values = read_values(read_text(Path(config_file), source), source)
    parts = _sorted(given)
    values |= parts["study"]
    training = values.get("training", {})
    if not isinstance(training, dict):
        raise UsageError(f"{source}: 'training' is not a mapping.")
    require_no_own_loop(values.get("own_loop"))
    own = {name: values.pop(name) for name in _OWN_DATA if name in values} | parts["own data"]
    _check_kinds(values, own)
    task = _task(values.get("task"), own)
    values["task"] = task.spec
    if isinstance(values.get("data"), str | Path | None):
        values["data"] = data_folder(values.get("data"))
    _make_absolute(values, "warm_start", "general_text", "own_methods")
    model = values.get("model", MINILM)
    if isinstance(model, str | Path) and model != MINILM and expanded(model).is_dir():
        values["model"] = os.path.abspath(expanded(model))  # a link keeps its name
    if isinstance(values.get("own_methods"), str):
        run_own_file(values["own_methods"])
    family = values.get("backbone_description")
    if family is not None:
        made = load(family) if isinstance(family, str | Path) else read(family)
        values["backbone_description"] = plain(made)
    values.setdefault("trials", task.usual_trials)
    values.setdefault("workers", min(2, len(os.sched_getaffinity(0))))
    usual = {
        "epochs": task.usual_epochs,
        "batch_size": task.usual_batch,
        "learning_rate_factor": task.usual_factor,
        "dropout": task.usual_dropout,
    }
    values["training"] = usual | training | parts["training"]
    return StudyConfig.build(values, source, str if config_file is not None else _named)


def checked_config(
    fixed: Mapping[str, Any], given: Mapping[str, Any], training: Mapping[str, Any]
) -> StudyConfig:
    """A configuration of options and of what is not the user's to choose.

    Args:
        fixed: fields of `StudyConfig`.
        given: as of `resolve_config`.
        training: fields of its ``training`` where nothing is given.

    Raises:
        UsageError: every wrong key and value at once.
    """
    parts = _sorted(given)
    values = parts["study"] | dict(fixed)
    _make_absolute(values, "warm_start", "own_methods")
    if "own_methods" in values:
        run_own_file(values["own_methods"])
    values["training"] = dict(training) | parts["training"]
    return StudyConfig.build(values, GIVEN, _named)


def _make_absolute(values: dict[str, Any], *names: str) -> None:
    """Paths that hold in every working directory; what is none is left to the check of values."""
    for name in names:
        if isinstance(values.get(name), str | Path):
            values[name] = str(expanded(values[name]).resolve())


def _check_kinds(values: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Raise UsageError for a name or file of another kind than wanted, which says what it is."""
    fits: dict[str, Callable[[str], bool]] = {
        "task": lambda word: word in TASKS or "\n" in word or word.endswith((".yaml", ".yml")),
        "train": lambda word: (
            expanded(word).exists()
            or hub_set(word) is not None
            or ("://" not in word and bool(Path(word).suffix))
        ),
        "space": lambda word: word in shipped_spaces() or Path(word).is_file(),
        "model": lambda word: word == MINILM or (Path(word) / "config.json").is_file(),
    }
    for name, known in fits.items():
        word = own.get(name) if name == "train" else values.get(name)
        if not isinstance(word, str) or not word or known(word) or known(word.lower()):
            continue
        if said := meaning(word):
            raise UsageError(f"{parameter(name, word)} is no {_KINDS[name]}: {said}")


_KINDS = {"task": "task", "train": "file to learn from", "space": "search space", "model": "model"}


def _sorted(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What is given by where it lands, under the names it has there.

    Raises:
        UsageError: a keyword that is neither an option nor a field of `StudyConfig`.
    """
    parts: dict[str, dict[str, Any]] = {"study": {}, "training": {}, "own data": {}}
    for name, value in given.items():
        if name not in OPTIONS and name not in StudyConfig.model_fields:
            meant = option_meant(name, OPTIONS)
            hint = did_you_mean(meant or name, OPTIONS, see="help(autopelt.search)")
            raise UsageError(f"unknown parameter '{name}': {hint}")
        option = OPTIONS.get(name, Option(name, ""))
        if value is not None:
            taken_back = option.free and value == "none"
            parts[option.lands][option.field or name] = None if taken_back else option.parse(value)
    return parts


def _named(place: str) -> str:
    """The parameter that lands at a place of a configuration."""
    field = place.removeprefix("training.")
    options = (name for name, option in OPTIONS.items() if (option.field or name) == field)
    return parameter(next(options, field))


def data_folder(given: str | Path | None) -> str | None:
    """The folder with tasks' files: the given one, else AUTOPELT_DATA, as an absolute path.

    Raises:
        UnavailableError: the given one is no folder.
    """
    if given and not expanded(given).is_dir():
        raise UnavailableError(f"{parameter('data')} '{given}' is not a folder.")
    folder = given if given is not None else os.environ.get("AUTOPELT_DATA")
    return str(expanded(folder).resolve()) if folder else None


def _task(name: Any, own: dict[str, Any]) -> Task:
    """The named task, or the one of the user's own data."""
    if "train" in own:
        if name is not None:
            raise UsageError(f"give {parameter('task')} or {parameter('train')}, not both.")
        return task_from_files(**own)
    if own:
        raise UsageError(
            f"{parameter(next(iter(own)))} needs {parameter('train')}, a file to learn from."
        )
    if not isinstance(name, str):
        raise UsageError(
            f"{parameter('task')} is missing; see {command('list', 'tasks')}, or start with "
            f"{parameter('task', 'demo')}."
        )
    return make_task(name)


def check_sampler(name: str) -> None:
    """Raises UsageError for a name that no sampler has.

    The usual one is not looked up: all of them together import optuna and scipy.
    """
    if name != StudyConfig.model_fields["sampler"].default:
        from autopelt.samplers.registry import check_sampler

        check_sampler(name)


def changed_config(study: "StudyStorage", changes: Mapping[str, Any]) -> StudyConfig:
    """A study's configuration with what may change while it goes on; None is left as it is.

    Raises:
        UsageError: a wrong value, or fewer trials than the study has.
        UnavailableError: a file that the study needs is gone.
    """
    study.require_places()
    parts, values = _sorted(changes), study.config.model_dump(mode="json")
    training = values["training"] | parts["training"]
    values |= {"training": training} | parts["own data"] | parts["study"]
    config = StudyConfig.build(values, GIVEN, _named)
    done = len(study.record().trials)
    if config.trials < done:
        raise UsageError(
            f"{parameter('trials', config.trials)} is the total, but the study has {done} trials "
            "already."
        )
    return config


def new_folder(config: StudyConfig, task: str) -> Path:
    """``reports/rte-minilm-1pct``, with a number where that is taken."""
    budget = str(config.budget).replace("%", "pct")
    words = f"{task}-{Path(config.model).name}-{budget}".lower()
    name = re.sub(r"[^a-z0-9.]+", "-", words).strip("-.")
    folder, number = STUDIES / name, 2
    while folder.exists():
        folder = STUDIES / f"{name}-{number}"
        number += 1
    return folder
