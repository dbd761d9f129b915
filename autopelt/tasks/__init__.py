"""Tasks: what the modules of a study are trained and scored on."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from autopelt.errors import UsageError, did_you_mean
from autopelt.tasks.base import Metric, Source, Splits, Task

__all__ = ["TASKS", "Metric", "Source", "Splits", "Task", "make_task"]

TASKS: dict[str, str] = {
    "demo": "autopelt.tasks.demo:demo",
    "rte": "autopelt.tasks.glue:rte",
}
"""Name -> function that makes the task, as ``module:function``."""


def make_task(name: str) -> Task:
    """Make a task by its name. Loads no torch and reads no data.

    Raises:
        UsageError: there is no such task.
    """
    if name not in TASKS:
        raise UsageError(f"unknown task '{name}': {did_you_mean(name, TASKS)}")
    module, _, function = TASKS[name].partition(":")
    make: Callable[[], Task] = getattr(import_module(module), function)
    return make()
