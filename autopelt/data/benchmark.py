"""Named benchmarks: a folder in the benchmark's own layout, else the Hub."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopelt.data import hub
from autopelt.data.delimited import PLAIN_TSV
from autopelt.data.hub import HubSet
from autopelt.data.readers import Reader, with_class_names
from autopelt.data.source import DataFacts, Parts, Source, missing_column
from autopelt.errors import UnavailableError, parameter
from autopelt.system.files import expanded

if TYPE_CHECKING:
    from datasets import Dataset

Columns = dict[str, list[Any]]

TOGETHER = " + "
"""Joins the names of files that make one part together."""


@dataclass(frozen=True)
class Layout:
    """A benchmark's original files.

    Attributes:
        folder: names that its folder may have in the data folder or one level deeper; the data
            folder may also be it.
        files: our part -> its file, or several in order of preference; ``*`` stands for anything,
            and `TOGETHER` joins files that are read together.
        columns: our column -> the files' column.
        read: reader of one part's files.
        values: what stands in the files' label column -> our name of the class; empty: as it is.
    """

    folder: tuple[str, ...]
    files: Mapping[str, Sequence[str]]
    columns: Mapping[str, str]
    read: Reader = PLAIN_TSV
    values: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        names = [f"{self.folder[0]}/{choices[0]}" for choices in self.files.values()]
        return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]

    def locate(self, data: Path) -> tuple[Path, dict[str, list[Path]]] | None:
        """Folder that holds all the files, and the files of each part; None if there is none."""
        folders = [place / name for name in self.folder for place in (data, *_below(data))]
        for folder in [*folders, data]:
            found = {part: _first(folder, choices) for part, choices in self.files.items()}
            if all(found.values()):
                return folder, {part: paths for part, paths in found.items() if paths}
        return None

    def read_part(self, paths: Sequence[Path], notes: list[str]) -> Columns:
        """One part with our column names. Raises UnavailableError."""
        table = self.read(paths, notes)
        table.require(list(self.columns.values()))
        ours = {ours: table.column(theirs) for ours, theirs in self.columns.items()}
        if self.values:
            for row, value in enumerate(ours["label"]):
                if _text(value) not in self.values:
                    raise UnavailableError(
                        f"{table.where(row)} has the label '{value}', which is none of: "
                        f"{', '.join(self.values)}."
                    )
            ours["label"] = [self.values[_text(value)] for value in ours["label"]]
        return ours


def _below(data: Path) -> list[Path]:
    """Folders in a data folder, so that it may hold ``glue/RTE`` as well as ``RTE``."""
    return sorted(path for path in data.iterdir() if path.is_dir()) if data.is_dir() else []


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _first(folder: Path, choices: Sequence[str]) -> list[Path] | None:
    """The first choice of which all files are there."""
    for choice in choices:
        found = [sorted(folder.glob(name))[:1] for name in choice.split(TOGETHER)]
        if all(paths and paths[0].is_file() for paths in found):
            return [paths[0] for paths in found]
    return None


@dataclass(frozen=True)
class Benchmark:
    """The two places where a benchmark's examples may be.

    Attributes:
        task: name of the task.
        layout: the original files.
        on_hub: the set on the Hub.
        labels: names of the classes where the set on the Hub has only their numbers.
        prepare: makes the task's columns of the ones that were read, for both places.
        sizes: examples as published: train, selection (0: cut from train), report.
    """

    task: str
    layout: Layout
    on_hub: HubSet
    labels: tuple[str, ...] = ()
    prepare: Callable[[Columns], Columns] | None = None
    sizes: tuple[int, int, int] = (0, 0, 0)

    def find(self, source: Source) -> Parts:
        """The folder if one is given, else the Hub. Raises UnavailableError."""
        parts = self._on_the_hub(source) if source.data is None else self._in_folder(source.data)
        readers = {part: self._counted(part, r, parts.notes) for part, r in parts.readers.items()}
        return replace(parts, readers=readers)

    def _on_the_hub(self, source: Source) -> Parts:
        opened = hub.open_set(self.on_hub, source.offline)
        if opened is None:
            raise UnavailableError(
                f"the data of task '{self.task}' is not here: the Hub's '{self.on_hub}' is not in "
                f"the local cache and cannot be reached; run once with network, or give a folder "
                f"with {self.layout} by {parameter('data')} (or AUTOPELT_DATA)."
            )
        readers, commit = opened
        return Parts(
            {part: self._from_hub(read) for part, read in readers.items()},
            DataFacts.of_hub(self.on_hub.name, str(self.on_hub), commit),
        )

    def here(self, data: Path | None) -> str:
        """Where the data is without asking the network: ``folder``, ``cache`` or ""."""
        if data is not None and self.layout.locate(data):
            return "folder"
        return "cache" if cached(self.on_hub) else ""

    def _in_folder(self, data: Path) -> Parts:
        located = self.layout.locate(data)
        if located is None:
            what = f"has no {self.layout}" if data.exists() else "does not exist"
            raise UnavailableError(
                f"task '{self.task}': data folder '{data}' {what}; correct {parameter('data')} (or "
                f"AUTOPELT_DATA), or leave it out to use '{self.on_hub}' from the Hub."
            )
        folder, files = located
        notes: list[str] = []

        def reader(paths: Sequence[Path]) -> Callable[[], Dataset]:
            return lambda: self._dataset(self.layout.read_part(paths, notes))

        return Parts(
            {part: reader(paths) for part, paths in files.items()},
            DataFacts("folder", f"folder {folder}", path=str(folder.resolve())),
            notes,
        )

    def _counted(
        self, part: str, read: Callable[[], Dataset], notes: list[str]
    ) -> Callable[[], Dataset]:
        """Read a part, and note where it has not as many examples as were published."""
        published = dict(zip(("train", "selection", "report"), self.sizes))[part]

        def counted() -> Dataset:
            dataset = read()
            if published and len(dataset) != published:
                notes.append(
                    f"WARNING: the {part} part of '{self.task}' has {len(dataset):,} examples; "
                    f"published are {published:,}."
                )
            return dataset

        return counted

    def _dataset(self, columns: Columns) -> Dataset:
        from datasets import Dataset

        return Dataset.from_dict(self.prepare(columns) if self.prepare else columns)

    def _from_hub(self, read: Callable[[], Dataset]) -> Callable[[], Dataset]:
        """Read a split of the Hub's with our column names, and names for its classes."""

        def renamed() -> Dataset:
            dataset = read()
            ours: Columns = {}
            for name, theirs in self.on_hub.columns.items():
                if theirs not in dataset.column_names:
                    raise missing_column(f"data set '{self.on_hub}'", theirs, dataset.column_names)
                ours[name] = dataset[theirs][:]
                if name in ("label", "tags"):
                    ours[name] = with_class_names(ours[name], dataset.features[theirs], self.labels)
            return self._dataset(ours)

        return renamed


def cached(wanted: HubSet) -> bool:
    """Whether `datasets` has the set in its cache; looks at folders only."""
    environment = os.environ
    home = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    home = expanded(environment.get("HF_HOME") or home)
    cache = expanded(environment.get("HF_DATASETS_CACHE") or home / "datasets")
    owner, _, name = wanted.name.partition("/")
    for pattern in (r"([A-Z]+)([A-Z][a-z])", r"([a-z\d])([A-Z])"):  # as `datasets` names folders
        name = re.sub(pattern, r"\1_\2", name)
    folder = cache / f"{owner}___{name.lower()}"
    return any(folder.glob(f"{wanted.config or 'default'}/*/*/dataset_info.json"))
