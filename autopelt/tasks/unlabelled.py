"""Examples without labels, for a model that has learnt already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autopelt.data.benchmark import Benchmark
from autopelt.data.readers import Table
from autopelt.errors import UsageError
from autopelt.tasks import make_task
from autopelt.tasks.base import Task
from autopelt.tasks.columns import find_column, texts
from autopelt.tasks.cutting import CUT
from autopelt.tasks.generation import Generation
from autopelt.tasks.own_data import OwnData
from autopelt.tasks.task_file import TaskFile, task_of_kind

if TYPE_CHECKING:
    from datasets import Dataset


def trained_task(spec: str, kind: str, labels: Sequence[str]) -> Task:
    """The task that a model was trained on, without its data: that may be gone by now.

    Args:
        spec: `Task.spec`, a name or the text of a task file.
        kind: of the task.
        labels: names of the classes that the model knows; empty where it has none.
    """
    if "\n" not in spec and not spec.endswith((".yaml", ".yml")):
        task = make_task(spec)
    else:
        task = task_of_kind(TaskFile.read(spec), kind)
    if labels:
        task.labels = tuple(labels)
    if isinstance(task, Generation):
        task.too_long = CUT  # each example is answered
    return task


def unlabelled(task: Task, table: Table, named: Mapping[str, str]) -> Dataset:
    """Examples of a table as `Task.encode` takes them; where labels stand, there is a filler.

    Args:
        task: from `trained_task`.
        table: of a file. What it has beside the task's texts does not matter.
        named: our column -> the file's, where the user said so (``{"text": "premise"}``).

    Raises:
        UnavailableError: a column is missing or an example has no text.
        UsageError: `named` has a column that the task does not know.
    """
    from datasets import Dataset

    own = task.unlabelled(table, named)
    if own is not None:
        return Dataset.from_dict(own)
    wanted = task.asked
    unknown = sorted(set(named) - set(wanted))
    if unknown:
        raise UsageError(
            f"task '{task.name}' reads no column '{unknown[0]}'; it reads: {', '.join(wanted)}."
        )
    columns: dict[str, list[Any]] = {}
    for column in wanted:
        option = "text_pair" if column == "text_pair" else "text"
        place = find_column(
            table, {option: named.get(column, "")}, option, *_candidates(task, column)
        )
        columns[column] = texts(table, place)
    fillers = {name: [value] * len(table) for name, value in _FILLERS[task.kind].items()}
    return Dataset.from_dict(columns | fillers)


_FILLERS: Mapping[str, Mapping[str, Any]] = {
    "classification": {"label": 0},
    "ordinal": {"label": 0},
    "regression": {"label": 0.0},
    "multi_label": {"label": [0]},
    "question_answering": {"answers": [""], "starts": [0]},
    "generation": {"target": "-"},
}
"""What stands in the columns that only training and scoring look at."""


def _candidates(task: Task, column: str) -> list[str]:
    """Names of a column in the data that the task was trained with, then the usual ones."""
    trained: list[str] = []
    if isinstance(task.origin, OwnData):
        trained = [task.origin.named["text_pair" if column == "text_pair" else "text"]]
    elif isinstance(task.origin, Benchmark):
        places = (task.origin.layout.columns, task.origin.on_hub.columns)
        trained = [place[column] for place in places if column in place]
    usual = ["text"] if column == "source" else []
    return [name for name in (*trained, column, *usual) if name]
