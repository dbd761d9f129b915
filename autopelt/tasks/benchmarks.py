"""Named benchmarks: a folder in the benchmark's own layout, else the Hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopelt.errors import UnavailableError
from autopelt.tasks import hub, tables
from autopelt.tasks.base import Found, Source, missing_column
from autopelt.tasks.hub import HubSet

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Layout:
    """A benchmark's original files.

    Attributes:
        folder: names that its folder may have below the data folder, which may also be it.
        files: our part -> its file.
        columns: our column -> the files' column.
        read: reader of one file.
        values: what stands in the files' label column -> our name of the class; empty: as it is.
    """

    folder: tuple[str, ...]
    files: Mapping[str, str]
    columns: Mapping[str, str]
    read: Callable[[Path], tables.Table] = tables.read_plain_tsv
    values: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return " and ".join(f"{self.folder[0]}/{file}" for file in self.files.values())

    def locate(self, data: Path) -> Path | None:
        """Folder that holds all the files, or None."""
        for folder in [*(data / name for name in self.folder), data]:
            if all((folder / file).is_file() for file in self.files.values()):
                return folder
        return None

    def read_part(self, path: Path) -> Dataset:
        """One file with our column names. Raises UnavailableError."""
        from datasets import Dataset

        table = self.read(path)
        tables.require(table, list(self.columns.values()), path)
        ours: dict[str, list[Any]] = {ours: table[name] for ours, name in self.columns.items()}
        if self.values:
            for row, value in enumerate(ours["label"], 1):
                if value not in self.values:
                    raise UnavailableError(
                        f"'{path}' has the label '{value}' (example {row}), which is none of: "
                        f"{', '.join(self.values)}."
                    )
            ours["label"] = [self.values[value] for value in ours["label"]]
        return Dataset.from_dict(ours)


@dataclass(frozen=True)
class Benchmark:
    """The two places where a benchmark's examples may be."""

    task: str
    layout: Layout
    on_hub: HubSet
    labels: tuple[str, ...] = ()

    def find(self, source: Source) -> Found:
        """The folder if one is given, else the Hub. Raises UnavailableError."""
        if source.data is not None:
            return self._in_folder(source.data)
        opened = hub.open_set(self.on_hub, source.offline)
        if opened is None:
            raise UnavailableError(
                f"the data of task '{self.task}' is not here: the Hub's '{self.on_hub}' is not in "
                f"the local cache and cannot be reached; run once with network, or give a folder "
                f"with {self.layout} by --data (or AUTOPELT_DATA)."
            )
        readers, commit = opened
        return Found(
            {part: self._renamed(read) for part, read in readers.items()},
            {
                "origin": "hub",
                "source": f"Hub {self.on_hub} at {commit[:12]}",
                "hub": self.on_hub.name,
                "revision": commit,
            },
        )

    def _in_folder(self, data: Path) -> Found:
        folder = self.layout.locate(data)
        if folder is None:
            what = f"has no {self.layout}" if data.exists() else "does not exist"
            raise UnavailableError(
                f"task '{self.task}': data folder '{data}' {what}; correct --data (or "
                f"AUTOPELT_DATA), or leave it out to use '{self.on_hub}' from the Hub."
            )

        def reader(file: str) -> Callable[[], Dataset]:
            return lambda: self.layout.read_part(folder / file)

        return Found(
            {part: reader(file) for part, file in self.layout.files.items()},
            {"origin": "folder", "source": f"folder {folder}", "path": str(folder.resolve())},
        )

    def _renamed(self, read: Callable[[], Dataset]) -> Callable[[], Dataset]:
        """Read a split of the Hub's with our column names, and names for its classes."""

        def renamed() -> Dataset:
            dataset = read()
            for name in self.on_hub.columns.values():
                if name not in dataset.column_names:
                    raise missing_column(f"data set '{self.on_hub}'", name, dataset.column_names)
            columns = self.on_hub.columns
            classes = getattr(dataset.features[columns["label"]], "names", None) or self.labels
            dataset = dataset.select_columns(list(columns.values()))
            dataset = dataset.rename_columns(
                {theirs: ours for ours, theirs in columns.items() if ours != theirs}
            )
            if not classes:
                return dataset
            names = [classes[i] for i in dataset["label"]]
            return dataset.remove_columns("label").add_column("label", names)

        return renamed
