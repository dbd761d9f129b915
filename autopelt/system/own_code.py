"""Python files of a user's own: run only where the user names them, errors in one line."""

from __future__ import annotations

import hashlib
import runpy
import traceback
from pathlib import Path
from typing import Any

from autopelt.errors import AutopeltError, UnavailableError, UsageError, parameter
from autopelt.system.files import refuse_devices

RUN_NAME = "<run_path>"
"""Module of what a file that was run defines itself."""


def content_hash(path: str, what: str, option: str) -> str:
    """Of what a file holds.

    Args:
        what: it is for, for the error. option: that named it.

    Raises:
        UnavailableError: it cannot be read.
    """
    try:
        refuse_devices(Path(path))
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise UnavailableError(
            f"the file '{path}' with {what} of your own cannot be read ({error.strerror}); put it "
            f"back, or name another one with {parameter(option)}."
        ) from None


def run_file(path: str) -> dict[str, Any]:
    """Run a file; what it defines, by name. Raises UsageError where it stops with an error."""
    try:
        return runpy.run_path(path, run_name=RUN_NAME)
    except AutopeltError:
        raise
    except (Exception, SystemExit) as error:
        raise own_error(path, error) from None


def own_error(path: str, error: BaseException) -> UsageError:
    """An error of a user's file, with the last line of that file that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == path]
    if isinstance(error, SyntaxError) and error.filename == path:
        lines = [error.lineno]
    where = f", line {lines[-1]}" if lines else ""
    said = " ".join(str(error).split())
    return UsageError(f"'{path}'{where}: {type(error).__name__}: {said}.")
