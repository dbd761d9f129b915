"""Examples without labels, for a model that has learnt already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autopelt.data.benchmark import Benchmark
from autopelt.data.readers import Table
from autopelt.data.user_files import Files, texts
from autopelt.errors import UnavailableError, UsageError
from autopelt.tasks import make_task
from autopelt.tasks.base import Task
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

    readers, fill = _WANTED[task.kind](task)
    unknown = sorted(set(named) - set(readers))
    if unknown:
        raise UsageError(
            f"task '{task.name}' reads no column '{unknown[0]}'; it reads: {', '.join(readers)}."
        )
    made: dict[str, list[Any]] = {}
    for column, read in readers.items():
        made[column] = read(table, _column(task, table, column, named.get(column, "")))
    return Dataset.from_dict(made | fill(made))


Reading = Callable[[Table, str], list[Any]]
Columns = dict[str, list[Any]]
Wanted = tuple[Mapping[str, Reading], Callable[[Columns], Columns]]


def _classes(task: Task) -> Wanted:
    filler = 0.0 if task.kind == "regression" else 0
    return dict.fromkeys(task.columns, texts), lambda made: {"label": [filler] * len(made["text"])}


def _tags(task: Task) -> Wanted:
    return {"words": _words}, lambda made: {"tags": [[0] * len(words) for words in made["words"]]}


def _questions(task: Task) -> Wanted:
    def fill(made: Columns) -> Columns:
        count = len(made["question"])
        return {"answers": [[""]] * count, "starts": [[0]] * count}

    return {"context": texts, "question": texts}, fill


def _sources(task: Task) -> Wanted:
    return {"source": texts}, lambda made: {"target": ["-"] * len(made["source"])}


def _choices(task: Task) -> Wanted:
    def choices(table: Table, column: str) -> list[Any]:
        for row, value in enumerate(table.columns[column]):
            if not isinstance(value, list) or len(value) != len(task.labels):
                raise UnavailableError(
                    f"{table.where(row)} has no list of {len(task.labels)} texts in '{column}'."
                )
        return table.columns[column]

    return {"text": texts, "choices": choices}, lambda made: {"label": [0] * len(made["text"])}


_WANTED: Mapping[str, Callable[[Task], Wanted]] = {
    "classification": _classes,
    "regression": _classes,
    "token_classification": _tags,
    "question_answering": _questions,
    "generation": _sources,
    "multiple_choice": _choices,
}


def _words(table: Table, column: str) -> list[Any]:
    """Lists of words; a text is split at its blanks."""
    found = []
    for row, value in enumerate(table.columns[column]):
        words = value.split() if isinstance(value, str) else value
        if not isinstance(words, list) or not words or not all(isinstance(w, str) for w in words):
            raise UnavailableError(f"{table.where(row)} has no words in column '{column}'.")
        found.append(words)
    return found


def _column(task: Task, table: Table, column: str, named: str) -> str:
    """The column that the user named, the one it was trained with, or the usual one."""
    if named:
        table.require([named])
        return named
    candidates = [column]
    if isinstance(task.origin, Files):
        given = task.origin.columns
        told = {"text_pair": given.text_pair}.get(column, given.text)
        candidates = [told, column] if told else [column]
    elif isinstance(task.origin, Benchmark):
        places = (task.origin.layout.columns, task.origin.on_hub.columns)
        candidates = [place[column] for place in places if column in place] + [column]
    usual = {"words": ["tokens", "text"], "source": ["text"]}
    candidates += usual.get(column, [])
    for candidate in candidates:
        if candidate in table.columns:
            return candidate
    raise UnavailableError(
        f"'{table.name}' has no column '{candidates[0]}'; it has: {', '.join(table.columns)}. Name "
        f"the one to use with --{'text-pair' if column == 'text_pair' else 'text'}."
    )
