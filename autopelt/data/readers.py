"""Read files of examples, and say in which line something is wrong."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autopelt.data.source import missing_column
from autopelt.errors import UnavailableError

MOST_CHARACTERS = 1_000_000
"""A line longer than this is a broken file, not a text."""


@dataclass(frozen=True)
class Table:
    """Columns of equal length.

    Attributes:
        columns: values by name of the column.
        name: of the file or data set, for messages.
        lines: line of the file that an example begins in; None where a format has no lines.
    """

    columns: dict[str, list[Any]]
    name: str
    lines: Sequence[int] | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def where(self, row: int) -> str:
        """Where an example stands: ``'a.csv' line 7``."""
        if self.lines is None:
            return f"'{self.name}' example {row + 1}"
        return f"'{self.name}' line {self.lines[row]}"

    def require(self, wanted: Sequence[str]) -> None:
        """Check that columns are there. Raises UnavailableError, which names those present."""
        for column in wanted:
            if column not in self.columns:
                raise missing_column(f"'{self.name}'", column, list(self.columns))


Reader = Callable[[Sequence[Path], list[str]], Table]
"""Reads the files of one part; appends sentences on what it skipped; raises UnavailableError."""


def read_text(path: Path) -> str:
    """The whole file as UTF-8; a byte order mark is dropped.

    Raises:
        UnavailableError: it cannot be opened, is empty, or has another encoding (with the line).
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UnavailableError(f"'{path}' cannot be read: {error.strerror or error}.") from None
    if not raw.strip():
        raise UnavailableError(f"'{path}' is empty ({len(raw)} bytes).")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UnavailableError(
            f"'{path}' is not UTF-8: byte 0x{raw[error.start]:02x} in line {line}; convert it, for "
            f"example with: iconv -f latin1 -t utf-8 '{path.name}'"
        ) from None


def read_lines(path: Path) -> list[str]:
    """Lines without their ends. Only a line feed ends a line. Raises UnavailableError."""
    lines = [line.removesuffix("\r") for line in read_text(path).split("\n")]
    if lines and not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, 1):
        check_length(path, number, line)
    return lines


def check_length(path: Path, number: int, line: str) -> None:
    """Refuse a line that is too long for any text. Raises UnavailableError."""
    if len(line) > MOST_CHARACTERS:
        raise UnavailableError(
            f"'{path}' line {number} has {len(line)} characters, more than {MOST_CHARACTERS}; "
            "that is no text. Remove the line."
        )


def plain_tsv(names: Sequence[str] | None = None, *, skip_short: bool = False) -> Reader:
    """Reader of tab-separated files without any quoting, as GLUE has them.

    Args:
        names: columns of a file without a header; None: the first line has them.
        skip_short: leave out lines with too few fields (QQP has some) and note how many.
    """

    def read(paths: Sequence[Path], notes: list[str]) -> Table:
        (path,) = paths
        lines = read_lines(path)
        header = list(names) if names else lines[0].split("\t")
        _check_header(path, header)
        start = 0 if names else 1
        rows, numbers, skipped = [], [], 0
        for number, line in enumerate(lines[start:], start + 1):
            fields = line.split("\t")
            if skip_short and len(fields) < len(header):
                skipped += 1
                continue
            _check_fields(path, number, fields, header)
            rows.append(fields)
            numbers.append(number)
        if skipped:
            notes.append(f"'{path.name}': {skipped} lines with too few fields were skipped.")
        return _table(path, header, rows, numbers)

    return read


def read_csv(paths: Sequence[Path], notes: list[str]) -> Table:
    """Comma-separated values with a header, quoted as RFC 4180 has it. Raises UnavailableError."""
    (path,) = paths
    text = read_text(path)
    csv.field_size_limit(MOST_CHARACTERS)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    numbers: list[int] = []
    header: list[str] = []
    number = 1
    try:
        for fields in reader:
            if not header:
                header = [name.strip() for name in fields]
                _check_header(path, header)
            elif fields:
                _check_fields(path, number, fields, header)
                rows.append(fields)
                numbers.append(number)
            number = reader.line_num + 1
    except csv.Error as error:
        if "field larger" in str(error):
            raise UnavailableError(
                f"'{path}' line {number} has a field of more than {MOST_CHARACTERS} characters: a "
                "quote is missing, or it is no text."
            ) from None
        raise UnavailableError(f"'{path}' line {number} is not valid CSV: {error}.") from None
    return _table(path, header, rows, numbers)


def read_jsonl(paths: Sequence[Path], notes: list[str]) -> Table:
    """JSON lines: one object a line, all with the keys of the first. Raises UnavailableError."""
    (path,) = paths
    columns: dict[str, list[Any]] = {}
    numbers = []
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", "it is nested too deeply")
            raise UnavailableError(f"'{path}' line {number} is not JSON: {reason}.") from None
        if "\\ud" in line.lower() and not _encodable(row):
            raise UnavailableError(f"'{path}' line {number} has half of a surrogate pair (\\ud…).")
        if not isinstance(row, dict) or not row:
            raise UnavailableError(f"'{path}' line {number} is not a JSON object like {{...}}.")
        columns = columns or {key: [] for key in row}
        for key, values in columns.items():
            if key not in row:
                raise UnavailableError(
                    f"'{path}' line {number} has no key '{key}'; it has: {', '.join(row)}."
                )
            values.append(row[key])
        numbers.append(number)
    return Table(columns, str(path), numbers)


def read_parquet(paths: Sequence[Path], notes: list[str]) -> Table:
    """A Parquet file. Raises UnavailableError."""
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    (path,) = paths
    if path.is_file() and not path.stat().st_size:
        raise UnavailableError(f"'{path}' is empty (0 bytes).")
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        first = str(error).split("\n", 1)[0]
        raise UnavailableError(f"'{path}' is not a readable Parquet file: {first}") from None
    if not table.num_rows:
        raise UnavailableError(f"'{path}' has columns but no examples.")
    return Table(table.to_pydict(), str(path))


PLAIN_TSV = plain_tsv()
"""Reader of tab-separated files with a header."""

READERS: Mapping[str, Reader] = {
    ".csv": read_csv,
    ".tsv": PLAIN_TSV,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".parquet": read_parquet,
}
"""Reader of a table by the file's ending."""


def _encodable(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_header(path: Path, header: Sequence[str]) -> None:
    twice = sorted({name for name in header if list(header).count(name) > 1})
    if twice:
        raise UnavailableError(f"'{path}' has the column '{twice[0]}' more than once.")


def _check_fields(path: Path, number: int, fields: Sequence[str], header: Sequence[str]) -> None:
    if len(fields) != len(header):
        raise UnavailableError(
            f"'{path}' line {number} has {len(fields)} fields, but there are {len(header)} "
            f"columns ({', '.join(header)})."
        )


def _table(path: Path, header: list[str], rows: list[list[str]], numbers: list[int]) -> Table:
    if not rows:
        raise UnavailableError(f"'{path}' has a header but no examples.")
    columns = {name: list(values) for name, values in zip(header, zip(*rows, strict=True))}
    return Table(columns, str(path), numbers)
