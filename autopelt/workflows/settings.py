"""From a user's choices, as flags or as keywords, to a configuration."""

import os
import re
from pathlib import Path
from typing import Any

from autopelt.errors import UsageError, parameter
from autopelt.space.space import SearchSpace
from autopelt.study.config import StudyConfig
from autopelt.study.storage import StudyStorage
from autopelt.system.files import read_text
from autopelt.system.yaml import load_yaml
from autopelt.tasks import Task, make_task, task_from_files

OWN_DATA = (
    *("train", "validation", "test", "train_target", "validation_target", "test_target"),
    *("text", "text_pair", "label", "target", "kind", "score", "prefix"),
)
"""Flags that describe a task on the user's own data."""

_TRAINING = ("epochs", "batch_size", "max_length", "train_examples", "learning_rate_factor")


def resolve_config(config_file: str | None, flags: dict[str, Any]) -> StudyConfig:
    """Flags over a configuration file over the task's own usual values.

    Raises:
        UsageError: every wrong key and value at once.
    """
    values: dict[str, Any] = {}
    source = "the command line"
    if config_file is not None:
        source = f"configuration '{config_file}'"
        text = read_text(Path(config_file), f"{source}")
        loaded = load_yaml(text, source)
        if not isinstance(loaded, dict):
            raise UsageError(f"{source} is not a mapping of keys like 'task' and 'budget'.")
        values = loaded
    given = {k: v for k, v in flags.items() if v is not None}
    training = values.get("training", {})
    if not isinstance(training, dict):
        raise UsageError(f"{source}: 'training' is not a mapping.")
    training = training | {k: given.pop(k) for k in _TRAINING if k in given}
    if "seeds" in given:
        names = [part.strip() for part in given.pop("seeds").split(",")]
        given["seed_architectures"] = [n for n in names if n and n != "none"]
    values = values | given
    task = _task(values)
    values["task"] = task.spec
    if values.get("data") is None and os.environ.get("AUTOPELT_DATA"):
        values["data"] = os.environ["AUTOPELT_DATA"]
    if isinstance(values.get("data"), str):
        values["data"] = str(Path(values["data"]).expanduser().resolve())
    if isinstance(values.get("warm_start"), str | Path):
        values["warm_start"] = str(Path(values["warm_start"]).expanduser().resolve())
    space = values.get("space", "pelt")
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
    values["training"] = usual | training
    return StudyConfig.build(values, source)


def _task(values: dict[str, Any]) -> Task:
    """The named task, or the one that flags describe, whose flags are taken out of `values`."""
    own = {key: values.pop(key) for key in OWN_DATA if key in values}
    if "train" in own:
        if values.get("task") is not None:
            raise UsageError(f"give {parameter('task')} or {parameter('train')}, not both.")
        return task_from_files(**own)
    if own:
        raise UsageError(
            f"{parameter(next(iter(own)))} needs {parameter('train')}, a file to learn from."
        )
    if not isinstance(values.get("task"), str):
        raise UsageError(
            f"{parameter('task')} is missing; see autopelt list tasks, or start with "
            f"{parameter('task', 'demo')}."
        )
    return make_task(values["task"])


def changed_config(study: StudyStorage, changes: dict[str, Any]) -> StudyConfig:
    """A study's configuration with what may change while it goes on; None is left as it is.

    Raises:
        UsageError: a wrong value, or fewer trials than the study has.
    """
    values = study.config.model_dump(mode="json")
    for key, value in changes.items():
        if value is not None:
            values[key] = None if value == "none" else value
    config = StudyConfig.build(values, "the command line")
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
