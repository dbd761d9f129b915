"""Tasks: what the modules of a study are trained and scored on.

base: what a task is; kinds, each a file: classification, ordinal, regression, multi_label,
multiple_choice, token_classification, question_answering, generation, chat (chat_template),
retrieval, media_classification (pictures, sounds); benchmarks: named ones from a table; demo,
demo_grammar; own_data, task_file (places: its paths), columns, sentences, infer_kind: a user's
files; unlabelled: to predict for; catalogue: the list; choices, label_sets, thresholds, padding,
pairs, cutting, spans, answers, squad2, prior, scores, text_scores, own_score, rouge, final_numbers,
ranking; greedy: texts that are written; by_group: scores of a split and of the groups in it.
"""

from __future__ import annotations

from typing import Any

from autopelt.data.source import Source, Splits
from autopelt.errors import UsageError, command, did_you_mean
from autopelt.tasks import benchmarks
from autopelt.tasks.base import Metric, Task
from autopelt.tasks.demo import demo

__all__ = ["TASKS", "Metric", "Source", "Splits", "Task", "make_task", "task_from_files"]

TASKS: tuple[str, ...] = ("demo", *benchmarks.rows())
"""Names of the tasks that are built in."""


def make_task(name: str) -> Task:
    """Make a task: a name of `TASKS`, a task file, or the text of one.

    Loads no torch, and reads no data for a named task.

    Raises:
        UsageError: there is no such task; a task file is wrong.
        UnavailableError: a task file's data cannot be read.
    """
    if name in TASKS:
        task = demo() if name == "demo" else benchmarks.make(name)
        task.spec = name
        return task
    if "\n" in name or name.endswith((".yaml", ".yml")):
        from autopelt.tasks.task_file import load_task

        return load_task(name)
    raise UsageError(
        f"unknown task '{name}': {did_you_mean(name, TASKS, see=command('list', 'tasks'))}"
    )


def task_from_files(train: str, **keys: Any) -> Task:
    """Make a task on the user's own data from the keys of a task file; None is left out.

    See `autopelt.tasks.task_file`. The task's `Task.spec` is a text that `make_task` takes.

    Raises:
        UsageError: names every wrong value at once.
        UnavailableError: the data cannot be read.
    """
    from autopelt.tasks import task_file

    return task_file.task_from_files(train, **keys)
