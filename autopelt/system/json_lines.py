"""A file of JSON lines that only grows: one line a finished training, safe at any moment.

Trainings beyond a search (`confirm`, `compare`) are kept here and not in the Optuna study, so that
a study's trials are its search and nothing else. A line is on disk before anything else hears of
it; of a line that a crash cut short nothing counts, and the next one begins anew.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autopelt.errors import UnavailableError


def read_lines(path: Path) -> list[dict[str, Any]]:
    """All whole lines; none where there is no file.

    Raises:
        UnavailableError: the file cannot be read, or a line before the last is damaged.
    """
    if not path.is_file():
        return []
    try:
        texts = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UnavailableError(f"'{path}' cannot be read: {error.strerror}.") from None
    lines: list[dict[str, Any]] = []
    for number, text in enumerate(texts[:-1], 1):  # what no line break ends was cut short
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            line = None
        if not isinstance(line, dict):
            raise damaged(path, number)
        lines.append(line)
    return lines


def damaged(path: Path, number: int) -> UnavailableError:
    """The error that a line cannot be read."""
    return UnavailableError(
        f"line {number} of '{path}' is damaged; delete that line: its training runs again."
    )


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Add a line and bring it to disk; what a crash cut short goes first."""
    text = json.dumps(dict(line), allow_nan=False, separators=(",", ":")).encode() + b"\n"
    with path.open("ab+") as file:
        file.seek(0)
        before = file.read()
        file.truncate(before.rfind(b"\n") + 1)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
