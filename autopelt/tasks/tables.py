"""Read text files with one example a line, and say in which line something is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autopelt.errors import UnavailableError
from autopelt.tasks.base import missing_column

MOST_CHARACTERS = 1_000_000
"""A line longer than this is a broken file, not a text."""

Table = dict[str, list[str]]


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
        if len(line) > MOST_CHARACTERS:
            raise UnavailableError(
                f"'{path}' line {number} has {len(line)} characters, more than {MOST_CHARACTERS}; "
                "that is no text. Remove the line."
            )
    return lines


def read_plain_tsv(path: Path, names: Sequence[str] | None = None) -> Table:
    """A tab-separated file without any quoting, as GLUE has them.

    Args:
        names: columns of a file without a header; None: the first line has them.

    Raises:
        UnavailableError: as `read_lines`, or a line with another number of fields.
    """
    lines = read_lines(path)
    header = list(names) if names else lines[0].split("\t")
    start = 1 if names else 2
    table: Table = {name: [] for name in header}
    for number, line in enumerate(lines[start - 1 :], start):
        fields = line.split("\t")
        if len(fields) != len(header):
            raise UnavailableError(
                f"'{path}' line {number} has {len(fields)} fields, but there are {len(header)} "
                f"columns ({', '.join(header)})."
            )
        for name, value in zip(header, fields, strict=True):
            table[name].append(value)
    if not table[header[0]]:
        raise UnavailableError(f"'{path}' has a header but no examples.")
    return table


def require(table: Table, wanted: Sequence[str], path: Path) -> None:
    """Check that all columns are there. Raises UnavailableError, which names those present."""
    for column in wanted:
        if column not in table:
            raise missing_column(f"'{path}'", column, list(table))
