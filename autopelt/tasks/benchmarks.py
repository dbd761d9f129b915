"""Named benchmarks, made of the rows of benchmarks.toml: a new one is a row there."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from autopelt.data.aligned import read_aligned
from autopelt.data.benchmark import Benchmark, Columns, Layout
from autopelt.data.conll import read_conll
from autopelt.data.delimited import plain_tsv
from autopelt.data.hub import HubSet
from autopelt.data.json_files import read_jsonl
from autopelt.data.readers import Reader
from autopelt.data.squad import read_squad, split_answers
from autopelt.tasks.base import Task
from autopelt.tasks.kinds import KINDS

_READERS: Mapping[str, Reader] = {
    "jsonl": read_jsonl,
    "conll": read_conll,
    "aligned": read_aligned,
    "squad": read_squad,
}

_CONVERTED = "refs/convert/parquet"
"""Where the Hub keeps the sets that it converted itself, so that no script of theirs is run."""


def rows() -> dict[str, dict[str, Any]]:
    """Name of each task -> its row: the keys of its suite, and its own before them."""
    suites = tomllib.loads(files(__package__).joinpath("benchmarks.toml").read_text("utf-8"))
    return {
        name: {**{key: value for key, value in suite.items() if key != "tasks"}, **row}
        for suite in suites.values()
        for name, row in suite["tasks"].items()
    }


@dataclass(frozen=True)
class Row:
    """One named task.

    Attributes:
        title: one line for a person.
        sizes: examples as published: train, selection (0: cut from train), report (0: the same).
        folder, files, columns, values: of the original files, as in `Layout`.
        format: a key of `_READERS`, or ``tsv``, of which `header` names the columns of files
            without any, and `skip_short` leaves out lines with too few fields.
        numbered: the files have the classes' numbers, not their names.
        hub, config, parts, hub_columns: of the set on the Hub, as in `HubSet`; the columns are
            those of the files unless they are given. ``{task}`` stands for the task's name.
        converted: folder of a set that the Hub converted.
        prepare: a key of `_PREPARE`.
        labels: names of the classes in the Hub's order; empty: those of train.
        entities: types of entities instead, of which BIO tags are made.
        kind: a key of `KINDS`. scores, max_length, prefix: options of it.
    """

    title: str
    sizes: tuple[int, int, int]
    folder: Sequence[str]
    files: Mapping[str, Sequence[str]]
    columns: Mapping[str, str]
    hub: str
    parts: Mapping[str, str]
    values: Mapping[str, str] = field(default_factory=dict)
    format: str = "tsv"
    header: Sequence[str] = ()
    skip_short: bool = False
    numbered: bool = False
    config: str | None = None
    hub_columns: Mapping[str, str] = field(default_factory=dict)
    converted: str | None = None
    prepare: str = ""
    labels: Sequence[str] = ()
    entities: Sequence[str] = ()
    kind: str = "classification"
    scores: Sequence[str] = ()
    max_length: int | None = None
    prefix: str = ""

    def task(self, name: str) -> Task:
        """Make the task, under this name."""
        labels = tuple(self.labels)
        if self.entities:
            labels = ("O", *(f"{prefix}-{entity}" for entity in self.entities for prefix in "BI"))
        numbers = {str(i): label for i, label in enumerate(labels)} if self.numbered else {}
        tsv = plain_tsv(self.header or None, skip_short=self.skip_short)
        on_hub = HubSet(
            self.hub,
            self.config and self.config.format(task=name),
            self.parts,
            self.hub_columns or self.columns,
            revision=_CONVERTED if self.converted else None,
            folder=self.converted,
        )
        origin = Benchmark(
            name,
            Layout(
                tuple(self.folder),
                self.files,
                self.columns,
                _READERS.get(self.format, tsv),
                self.values or numbers,
            ),
            on_hub,
            labels,
            _PREPARE.get(self.prepare),
            self.sizes,
        )
        options: dict[str, Any] = {"prefix": self.prefix} if self.prefix else {}
        if "text_pair" in self.columns:
            options["pair"] = True
        return KINDS[self.kind](
            name,
            self.title,
            origin,
            scores=self.scores,
            labels=labels,
            max_length=self.max_length,
            **options,
        )


def make(name: str) -> Task:
    """Make a task of the table by its name."""
    row = rows()[name]
    return Row(**row | {"sizes": tuple(row["sizes"])}).task(name)


# ---------------------------------------------------------------------- columns as tasks want them
def _word_first(columns: Columns) -> Columns:
    """The word in question stands in front of the first sentence."""
    words = columns["word"]
    texts = [f"{word}: {text}" for word, text in zip(words, columns["text"], strict=True)]
    return {"text": texts, "text_pair": columns["text_pair"], "label": columns["label"]}


_QUESTIONS = {"cause": "What was the cause?", "effect": "What happened as a result?"}


def _two_choices(columns: Columns) -> Columns:
    asked = zip(columns["premise"], columns["question"], strict=True)
    choices = zip(columns["choice1"], columns["choice2"], strict=True)
    return {
        "text": [f"{premise} {_QUESTIONS.get(asks, asks)}" for premise, asks in asked],
        "choices": [list(pair) for pair in choices],
        "label": columns["label"],
    }


def _as_texts(columns: Columns) -> Columns:
    return {name: [str(text) for text in texts] for name, texts in columns.items()}


_PREPARE: Mapping[str, Callable[[Columns], Columns]] = {
    "word_first": _word_first,
    "two_choices": _two_choices,
    "as_texts": _as_texts,
    "split_answers": split_answers,
}
