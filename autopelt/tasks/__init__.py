"""Tasks: what the modules of a study are trained and scored on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from autopelt.data.source import Source, Splits
from autopelt.errors import UsageError, did_you_mean
from autopelt.tasks.base import Metric, Task

__all__ = ["TASKS", "Metric", "Source", "Splits", "Task", "make_task", "task_from_files"]

_MODULES = {
    "demo": ("demo",),
    "glue": (
        "cola", "sst2", "mrpc", "qqp", "stsb", "mnli", "mnli-mismatched", "qnli", "rte", "wnli",
    ),
    "superglue": ("cb", "boolq", "wic", "copa"),
    "domains": (
        "chemprot", "rct", "acl-arc", "scierc", "hyperpartisan", "agnews", "helpfulness", "imdb",
    ),
    "entities": ("wnut17", "conll2003"),
    "squad": ("squad",),
    "slobench": ("si-nli", "ssj500k", "ntrex-en-sl"),
}  # fmt: skip

TASKS: dict[str, str] = {name: module for module, names in _MODULES.items() for name in names}
"""Name of a task -> module of this package that makes it."""


def make_task(name: str) -> Task:
    """Make a task: a name of `TASKS`, a task file, or the text of one.

    Loads no torch, and reads no data for a named task.

    Raises:
        UsageError: there is no such task; a task file is wrong.
        UnavailableError: a task file's data cannot be read.
    """
    if name in TASKS:
        module = import_module(f"autopelt.tasks.{TASKS[name]}")
        attribute = getattr(module, name.replace("-", "_"), None)
        make: Callable[[], Task] = attribute or partial(module.make, name)
        task = make()
        task.spec = name
        return task
    if "\n" in name or name.endswith((".yaml", ".yml")):
        from autopelt.tasks.task_file import load_task

        return load_task(name)
    raise UsageError(f"unknown task '{name}': {did_you_mean(name, TASKS)}")


def task_from_files(train: str, **keys: Any) -> Task:
    """Make a task on the user's own data from the keys of a task file; None is left out.

    See `autopelt.tasks.task_file`. The task's `Task.spec` is a text that `make_task` takes.

    Raises:
        UsageError: names every wrong value at once.
        UnavailableError: the data cannot be read.
    """
    from autopelt.tasks import task_file

    return task_file.task_from_files(train, **keys)
