"""From a user's choices, as options or as keywords, to a configuration."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autopelt.errors import UsageError, did_you_mean, parameter
from autopelt.space.space import SearchSpace
from autopelt.study.config import StudyConfig
from autopelt.study.storage import StudyStorage
from autopelt.system.files import read_text
from autopelt.system.yaml import load_yaml
from autopelt.tasks import Task, make_task, task_from_files
from autopelt.workflows.options import OPTIONS

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
        values = load_yaml(read_text(Path(config_file), source), source)
        if not isinstance(values, dict):
            raise UsageError(f"{source} is not a mapping of keys like 'task' and 'budget'.")
    parts = _sorted(given)
    values |= parts["study"]
    training = values.get("training", {})
    if not isinstance(training, dict):
        raise UsageError(f"{source}: 'training' is not a mapping.")
    own = {name: values.pop(name) for name in _OWN_DATA if name in values} | parts["own data"]
    task = _task(values.get("task"), own)
    values["task"] = task.spec
    if isinstance(values.get("data"), str | Path | None):
        values["data"] = data_folder(values.get("data"))
    if isinstance(values.get("warm_start"), str | Path):
        values["warm_start"] = str(Path(values["warm_start"]).expanduser().resolve())
    space = values.get("space", OPTIONS["space"].default)
    if isinstance(space, str):
        values["space"] = SearchSpace.load(space).model_dump(mode="json")
    values.setdefault("trials", task.usual_trials)
    values.setdefault("workers", min(2, len(os.sched_getaffinity(0))))
    usual = {
        "epochs": task.usual_epochs,
        "batch_size": task.usual_batch,
        "learning_rate_factor": task.usual_factor,
        "dropout": task.usual_dropout,
    }
    values["training"] = usual | training | parts["training"]
    return StudyConfig.build(values, source)


def _sorted(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What is given by where it lands, under the names it has there."""
    parts: dict[str, dict[str, Any]] = {"study": {}, "training": {}, "own data": {}}
    for name, value in given.items():
        option = OPTIONS.get(name)
        if option is None and name not in StudyConfig.model_fields:
            raise UsageError(f"unknown parameter '{name}': {did_you_mean(name, OPTIONS)}")
        if value is None:
            continue
        if option is None:
            parts["study"][name] = value
        elif name == "seeds" and isinstance(value, str):
            names = [part.strip() for part in value.split(",")]
            parts["study"][option.field] = [n for n in names if n and n != "none"]
        else:
            parts[option.lands][option.field or name] = _value(name, value)
    return parts


def _value(name: str, value: Any) -> Any:
    """``none`` takes back what a configuration says of an option that has no default."""
    return None if value == "none" and name in OPTIONS and OPTIONS[name].free else value


def data_folder(given: str | Path | None) -> str | None:
    """The folder with tasks' files: the given one, else AUTOPELT_DATA, as an absolute path."""
    folder = given if given is not None else os.environ.get("AUTOPELT_DATA")
    return str(Path(folder).expanduser().resolve()) if folder else None


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
            f"{parameter('task')} is missing; see autopelt list tasks, or start with "
            f"{parameter('task', 'demo')}."
        )
    return make_task(name)


def changed_config(study: StudyStorage, changes: Mapping[str, Any]) -> StudyConfig:
    """A study's configuration with what may change while it goes on; None is left as it is.

    Raises:
        UsageError: a wrong value, or fewer trials than the study has.
    """
    changed = {name: _value(name, v) for name, v in changes.items() if v is not None}
    config = StudyConfig.build(study.config.model_dump(mode="json") | changed, GIVEN)
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
    folder, number = Path("reports") / name, 2
    while folder.exists():
        folder = Path("reports") / f"{name}-{number}"
        number += 1
    return folder
