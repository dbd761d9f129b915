"""Tables of text and spreadsheets: separators, quotes, headers; found out unless they are said."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from autopelt.data.encoding import MOST_CHARACTERS, read_bytes, read_lines, read_text
from autopelt.data.readers import FOUND_OUT, Format, Reader, Table
from autopelt.errors import UnavailableError, parameter

DELIMITERS: Mapping[str, str] = {
    ",": "commas",
    "\t": "tabs",
    ";": "semicolons",
    "|": "vertical bars",
}
"""Characters that may separate fields, in words."""

_LOOKED_AT, _ENOUGH = 200, 0.9
"""Rows by which a separator is found, and the share of them that must be as wide as the first."""

_LONG_NAME = 60
"""Characters of a name of a column that is rather a text."""

Row = tuple[int, Sequence[Any]]
"""Line that a row begins in, and its fields."""


def plain_tsv(names: Sequence[str] | None = None, *, skip_short: bool = False) -> Reader:
    """Reader of tab-separated files without any quoting, as GLUE has them.

    Args:
        names: columns of a file without a header; None: the first line has them.
        skip_short: leave out lines with too few fields (QQP has some) and note how many.
    """

    def read(paths: Sequence[Path], notes: list[str]) -> Table:
        (path,) = paths
        rows = [(n, line.split("\t")) for n, line in enumerate(read_lines(path, notes), 1)]
        if skip_short:
            width = len(names or rows[0][1])
            kept = [row for row in rows if len(row[1]) >= width]
            if len(kept) < len(rows):
                skipped = len(rows) - len(kept)
                notes.append(f"'{path.name}': {skipped} lines with too few fields were skipped.")
            rows = kept
        return headed(path, rows, Format(columns=tuple(names or ())))

    return read


PLAIN_TSV = plain_tsv()
"""Reader of tab-separated files with a header."""


def read_csv(paths: Sequence[Path], notes: list[str], form: Format = FOUND_OUT) -> Table:
    """Comma-separated values, quoted as RFC 4180 has it. Raises UnavailableError."""
    return _delimited(paths, notes, form, ",")


def read_tsv(paths: Sequence[Path], notes: list[str], form: Format = FOUND_OUT) -> Table:
    """Tab-separated values. Raises UnavailableError."""
    return _delimited(paths, notes, form, "\t")


def read_spreadsheet(paths: Sequence[Path], notes: list[str], form: Format = FOUND_OUT) -> Table:
    """The first sheet of an Excel file, read by pandas. Raises UnavailableError."""
    import pandas as pd

    (path,) = paths
    raw = read_bytes(path)
    try:
        sheets = pd.read_excel(
            io.BytesIO(raw), sheet_name=None, header=None, dtype=object, keep_default_na=False
        )
    except ImportError as error:
        raise UnavailableError(
            f"'{path}' is a spreadsheet, and {error.name or 'openpyxl'} reads those, which is not "
            "installed: pip install openpyxl; or save the sheet as CSV."
        ) from None
    except Exception as error:  # what openpyxl raises for a broken file is not one class
        first = str(error).split("\n", 1)[0]
        raise UnavailableError(f"'{path}' is not a readable spreadsheet: {first}") from None
    name, sheet = next(iter(sheets.items()))
    if len(sheets) > 1:
        notes.append(f"'{path.name}' has {len(sheets)} sheets; the first, '{name}', is read.")
    rows = ((number, list(row)) for number, row in enumerate(sheet.to_numpy(), 1))
    return headed(path, [(n, row) for n, row in rows if any(v != "" for v in row)], form)


def delimiter_of(text: str, usual: str, header: bool = True) -> str:
    """The character that cuts a text into a table; `usual` unless another does it better.

    Args:
        header: the first row names the columns, so that no other is wider.

    Returns:
        A key of `DELIMITERS`; ``""`` where `usual` is that and none makes two columns.
    """
    beginning = text[: 20 * MOST_CHARACTERS]

    def share(delimiter: str) -> float:
        try:
            found = islice(_rows(beginning, delimiter, quoted=True), _LOOKED_AT)
            widths = [len(fields) for _, fields in found]
        except csv.Error:
            found = islice(_rows(beginning, delimiter, quoted=False), _LOOKED_AT)
            widths = [len(fields) for _, fields in found]
        width = widths[0] if header else max(set(widths), key=widths.count)
        return widths.count(width) / len(widths) if width > 1 else 0.0

    shares = {delimiter: share(delimiter) for delimiter in DELIMITERS}
    best = max(shares, key=lambda delimiter: (shares[delimiter], delimiter == usual))
    if shares.get(usual, 0.0) >= _ENOUGH / 2 or shares[best] < _ENOUGH:
        return usual
    return best


def _delimited(paths: Sequence[Path], notes: list[str], form: Format, usual: str) -> Table:
    (path,) = paths
    text = read_text(path, notes, form.encoding)
    said = re.match(r"sep=(.)\r?\n", text)  # as Excel writes and reads it
    text = text if said is None else "\n" + text[said.end() :]
    header = form.header and not form.columns
    delimiter = form.delimiter or (said and said[1]) or delimiter_of(text, usual, header)
    if delimiter != usual and not form.delimiter:
        shown = DELIMITERS.get(delimiter, repr(delimiter))
        notes.append(f"'{path.name}' is separated by {shown}.")
    quoted = delimiter != "\t" or _written_with_quotes(text, delimiter)
    if quoted and delimiter == "\t":
        notes.append(f"'{path.name}' has fields in quotes, which are taken off.")
    try:
        return headed(path, _rows(text, delimiter, quoted), form)
    except csv.Error as error:
        number = getattr(error, "line", 1)
        if "field larger" in str(error):
            raise UnavailableError(
                f"'{path}' line {number} has a field of more than {MOST_CHARACTERS} characters: a "
                "quote is missing, or it is no text."
            ) from None
        raise UnavailableError(f"'{path}' line {number} is not valid CSV: {error}.") from None


def _rows(text: str, delimiter: str, quoted: bool) -> Iterator[Row]:
    """Fields with the line that they begin in. Raises csv.Error, whose ``line`` is that line."""
    csv.field_size_limit(MOST_CHARACTERS)
    if not quoted:
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip("\r"):
                yield number, line.removesuffix("\r").split(delimiter)
        return
    number = 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for fields in reader:
            if fields:
                yield number, fields
            number = reader.line_num + 1
    except csv.Error as error:
        error.line = number  # type: ignore[attr-defined]
        raise


def _written_with_quotes(text: str, delimiter: str) -> bool:
    """Whether quotes are no part of the texts: a writer put them, or only so it is a table."""
    if '"' not in text:
        return False
    try:
        rows = [fields for _, fields in _rows(text, delimiter, quoted=True)]
    except csv.Error:
        return False
    if len({len(fields) for fields in rows}) > 1:
        return False
    if len({len(fields) for _, fields in _rows(text, delimiter, quoted=False)}) > 1:
        return True
    wanted = text.replace("\r\n", "\n").rstrip("\n")
    for style in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC):
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter, quoting=style, lineterminator="\n").writerows(rows)
        if out.getvalue().replace("\r\n", "\n").rstrip("\n") == wanted:
            return True
    return False


# ---------------------------------------------------------------------- headers
def headed(path: Path, rows: Iterable[Row], form: Format) -> Table:
    """A table of rows, of which the first may name the columns.

    Fields beyond the header that are empty in every way do not matter, nor do columns without a
    name; a name that stands twice cannot be used.

    Raises:
        UnavailableError: a row has another number of fields than there are columns; no row is left.
    """
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        raise UnavailableError(f"'{path}' has no row with anything in it.")
    names, unnamed, hint = [str(name).strip() for name in first[1]], set[int](), ""
    if form.columns or not form.header:
        rows = chain([first], rows)
        names = list(form.columns) or [str(number) for number in range(1, len(names) + 1)]
        if len(names) != len(first[1]):
            raise UnavailableError(
                f"{parameter('columns')} names {len(names)} columns, but line {first[0]} of "
                f"'{path}' has {len(first[1])} fields."
            )
    else:
        hint = _hint(names)
        unnamed = {place for place, name in enumerate(names) if not name}
        names = [name or f"column {place}" for place, name in enumerate(names, 1)]
    values: list[Sequence[Any]] = []
    numbers: list[int] = []
    for number, fields in rows:
        values.append(_fitted(path, number, fields, names, unnamed))
        numbers.append(number)
    if not values:
        raise UnavailableError(f"'{path}' has a header but no examples.")
    columns = {name: [row[place] for row in values] for place, name in enumerate(names)}
    twice = [name for name, count in Counter(names).items() if count > 1]
    unusable = {name: f"has the column '{name}' more than once; rename one." for name in twice}
    return Table(columns, str(path), numbers, unusable, hint)


def _hint(names: Sequence[str]) -> str:
    """What to do where the first line looks like an example instead of names."""
    if any(len(name) > _LONG_NAME or name.lstrip("+-").isdigit() for name in names):
        return (
            f"If the first line is an example already, name the columns with {parameter('columns')}"
            " or number them with " + parameter("header", False) + "."
        )
    return ""


def _fitted(
    path: Path, number: int, fields: Sequence[Any], names: Sequence[str], unnamed: set[int]
) -> Sequence[Any]:
    """A row as wide as the header. Raises UnavailableError."""
    width = len(names)
    if len(fields) > width and not any(fields[width:]):
        return fields[:width]
    if len(fields) < width and unnamed.issuperset(range(len(fields), width)):
        return [*fields, *[""] * (width - len(fields))]
    if len(fields) != width:
        raise UnavailableError(
            f"'{path}' line {number} has {len(fields)} fields, but there are {width} columns "
            f"({', '.join(names)}). A field that has the separator in it stands in quotes."
        )
    return fields
