"""A table of examples, and the readers of columnar files: Parquet, spreadsheets, GLUE's TSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autopelt.data.encoding import read_bytes
from autopelt.data.source import missing_column
from autopelt.errors import UnavailableError

_LONG, _SHOWN = 40, 30
"""Characters of the name of a column, and columns, that a message shows."""


@dataclass(frozen=True)
class Table:
    """Columns of equal length.

    Attributes:
        columns: values by name of the column.
        name: of the file or data set, for messages.
        lines: line of the file that an example begins in; None where a format has no lines.
        unusable: columns that cannot be told apart or read -> why, in a sentence.
        hint: what to do where a column is missing that should be there.
        notes: sentences on what was decided while columns were read.
    """

    columns: dict[str, list[Any]]
    name: str
    lines: Sequence[int] | None = None
    unusable: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def __contains__(self, name: str) -> bool:
        return self._path(name) is not None

    def where(self, row: int) -> str:
        """Where an example stands: ``'a.csv' line 7``."""
        if self.lines is None:
            return f"'{self.name}' example {row + 1}"
        return f"'{self.name}' line {self.lines[row]}"

    def column(self, name: str) -> list[Any]:
        """A column, or the field of one by its path: ``data.text``, ``messages.0.content``.

        What an example lacks is None.

        Raises:
            UnavailableError: it is not there, names those that are; or it cannot be used.
        """
        path = self._path(name)
        if path is None:
            raise self.missing(name)
        first, steps = path
        if first in self.unusable:
            raise UnavailableError(f"'{self.name}' {self.unusable[first]}")
        values = self.columns[first]
        for step in steps:
            values = [_within(value, step) for value in values]
        return values

    def missing(self, name: str) -> UnavailableError:
        """The error for a column that is not there."""
        names = [n if len(n) <= _LONG else f"{n[:_LONG]}…" for n in self.names]
        shown = names[:_SHOWN] + (["…"] if len(names) > _SHOWN else [])
        error = missing_column(f"'{self.name}'", name, shown)
        return UnavailableError(f"{error.marked}{self.hint and ' ' + self.hint}")

    @property
    def names(self) -> list[str]:
        """The columns, and the fields of those that have any."""
        shown = []
        for name, values in self.columns.items():
            first = next((value for value in values if value is not None), None)
            fields = first if isinstance(first, dict) else {}
            shown += [f"{name}.{key}" for key in fields] or [name]
        return shown

    def require(self, wanted: Sequence[str]) -> None:
        """Check that columns are there. Raises UnavailableError, which names those present."""
        for name in wanted:
            self.column(name)

    def _path(self, name: str) -> tuple[str, list[str]] | None:
        """The column that a name begins with, and the steps into its values, or None."""
        if name in self.columns:
            return name, []
        steps = name.split(".")
        for cut in range(len(steps) - 1, 0, -1):
            first, rest = ".".join(steps[:cut]), steps[cut:]
            values = self.columns.get(first, [])
            for step in rest:
                values = [_within(value, step) for value in values]
            if any(value is not None for value in values):
                return first, rest
        return None


def _within(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return None


Reader = Callable[[Sequence[Path], list[str]], Table]
"""Reads the files of one part; appends sentences on what it skipped; raises UnavailableError."""


@dataclass(frozen=True)
class Format:
    """What the user says of how a file is written; the rest is found out.

    Attributes:
        encoding: its name; empty: found out.
        delimiter: one character between fields; empty: found out.
        header: whether the first line has the columns' names.
        columns: their names, in order, of a file without a header.
    """

    encoding: str = ""
    delimiter: str = ""
    header: bool = True
    columns: tuple[str, ...] = ()

    @property
    def given(self) -> list[str]:
        """The options that were given."""
        return [
            *(["encoding"] if self.encoding else []),
            *(["delimiter"] if self.delimiter else []),
            *([] if self.header else ["header"]),
            *(["columns"] if self.columns else []),
        ]


FOUND_OUT = Format()
"""Nothing is said."""


def read_parquet(paths: Sequence[Path], notes: list[str], form: Format = FOUND_OUT) -> Table:
    """A Parquet file; classes that its schema names, as `datasets` writes it, have their names.

    Raises:
        UnavailableError: it cannot be read or has no examples.
    """
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]
    from datasets import Features

    (path,) = paths
    read_bytes(path)
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        first = str(error).split("\n", 1)[0]
        raise UnavailableError(f"'{path}' is not a readable Parquet file: {first}") from None
    if not table.num_rows:
        raise UnavailableError(f"'{path}' has columns but no examples.")
    columns = table.to_pydict()
    if b"huggingface" in (table.schema.metadata or {}):
        features = Features.from_arrow_schema(table.schema)
        columns = {
            name: with_class_names(values, features.get(name)) for name, values in columns.items()
        }
    return Table(columns, str(path))


def with_class_names(values: list[Any], feature: Any, labels: Sequence[str] = ()) -> list[Any]:
    """Names of classes for their numbers, also in lists; other values stay as they are.

    Args:
        feature: of `datasets`; where it has no names, `labels` are.
    """
    inner = getattr(feature, "feature", feature)
    names = getattr(inner, "names", None) or list(labels)

    def name(value: Any) -> Any:
        if isinstance(value, list):
            return [name(v) for v in value]
        known = names and isinstance(value, int) and not isinstance(value, bool)
        return names[value] if known and 0 <= value < len(names) else value

    return [name(value) for value in values]
