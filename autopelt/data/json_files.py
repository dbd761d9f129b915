"""JSON as tables: lines, lists, columns, objects of splits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autopelt.data.encoding import read_lines, read_text
from autopelt.data.readers import FOUND_OUT, Format, Table
from autopelt.errors import UnavailableError, UsageError, parameter

PARTS: Mapping[str, str] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "development"), "selection"),
    **dict.fromkeys(("test", "testing", "report"), "report"),
}
"""What a split is called in files -> our part."""


def read_jsonl(paths: Sequence[Path], notes: list[str], form: Format = FOUND_OUT) -> Table:
    """JSON lines: an object a line, or a list of fields. Raises UnavailableError."""
    (path,) = paths
    rows, numbers = [], []
    for number, line in enumerate(read_lines(path, notes, form.encoding), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", "it is nested too deeply")
            raise UnavailableError(f"'{path}' line {number} is not JSON: {reason}.") from None
        if "\\ud" in line.lower() and not _encodable(row):
            raise UnavailableError(f"'{path}' line {number} has half of a surrogate pair (\\ud…).")
        rows.append(row)
        numbers.append(number)
    return _records(path, rows, form, numbers)


def read_json(path: Path, notes: list[str], form: Format = FOUND_OUT) -> dict[str, Table]:
    """A JSON document as the tables of its parts; ``""`` is the part of one that has no splits.

    It may be a list of records, an object of columns, of records by their ids (as pandas writes
    both), of splits of any of these, or one that holds a single list of records.

    Raises:
        UnavailableError: it is not JSON, or nothing of these.
    """
    text = read_text(path, notes, form.encoding)
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        if _is_json(text.lstrip().partition("\n")[0]):
            return {"": read_jsonl([path], notes, form)}
        line, reason = getattr(error, "lineno", 1), getattr(error, "msg", "it is nested too deeply")
        raise UnavailableError(f"'{path}' line {line} is not JSON: {reason}.") from None
    if "\\ud" in text.lower() and not _encodable(whole):
        raise UnavailableError(f"'{path}' has half of a surrogate pair (\\ud…).")
    if isinstance(whole, dict) and any(PARTS.get(key.lower()) == "train" for key in whole):
        return _splits(path, whole, notes, form)
    rows = _rows(whole)
    if rows is None:
        raise UnavailableError(
            f'\'{path}\' is JSON, but no list of examples like [{{"text": …, "label": …}}], nor '
            f"an object of one, or of splits with a 'train'; {_shown(whole)}."
        )
    return {"": _records(path, rows, form)}


def _splits(
    path: Path, whole: Mapping[str, Any], notes: list[str], form: Format
) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    others = []
    for key, value in whole.items():
        part, rows = PARTS.get(key.lower()), _rows(value)
        if part is None or part in tables or rows is None:
            others.append(key)
            continue
        tables[part] = _records(path, rows, form, split=key)
    if "train" not in tables:
        raise UnavailableError(f"'{path}' has a key 'train', but no list of examples in it.")
    if others:
        notes.append(f"'{path.name}': {', '.join(others)} of its keys are no splits; not read.")
    return tables


def _rows(value: Any) -> list[Any] | None:
    """The records of a JSON value, objects or lists of fields; None where it has none."""
    if isinstance(value, list):
        return value if value and isinstance(value[0], dict | list) else None
    if not isinstance(value, dict) or not value:
        return None
    inner = list(value.values())
    columns = all(isinstance(c, list) and c and not isinstance(c[0], dict) for c in inner)
    if (
        columns
        and len({len(c) for c in inner}) == 1
        and len(inner) + (not isinstance(inner[0][0], list)) > 1
    ):
        return [dict(zip(value, row)) for row in zip(*inner)]
    if all(isinstance(column, dict) for column in inner):
        ids = list(inner[0])
        if ids and all(list(column) == ids for column in inner) and all(i.isdecimal() for i in ids):
            return [{name: value[name][i] for name in value} for i in ids]
        return (_rows(inner[0]) if len(inner) == 1 else None) or inner
    lists = [v for v in inner if isinstance(v, list) and v and isinstance(v[0], dict | list)]
    return lists[0] if len(lists) == 1 else None


def _records(
    path: Path,
    rows: Sequence[Any],
    form: Format,
    numbers: Sequence[int] | None = None,
    split: str = "",
) -> Table:
    """Rows as columns; a key that a row lacks is None in it."""
    name = f"{path}" + (f" {split}" if split else "")
    columns: dict[str, list[Any]] = {}
    for place, row in enumerate(rows):
        listed = isinstance(row, list) and row and isinstance(rows[0], list)
        if listed and not isinstance(row[0], dict | list):
            names = form.columns or [str(number) for number in range(1, len(row) + 1)]
            if len(names) != len(row):
                raise UnavailableError(
                    f"{Table({}, name, numbers).where(place)} has {len(row)} values, but "
                    f"{parameter('columns')} names {len(names)}."
                )
            row = dict(zip(names, row))
        elif form.columns:
            raise UsageError(f"{parameter('columns')} would have no effect: '{name}' has names.")
        if not isinstance(row, dict) or not row:
            raise UnavailableError(
                f"{Table({}, name, numbers).where(place)} is not a JSON object like {{...}}."
            )
        for key in row:
            if key not in columns:
                columns[key] = [None] * place
        for key, values in columns.items():
            values.append(row.get(key))
    if not columns:
        raise UnavailableError(f"'{name}' has no examples.")
    return Table(columns, name, numbers)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return f"its keys are: {', '.join(list(value)[:10])}"
    return f"it is {str(value)[:60]}"


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _encodable(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
