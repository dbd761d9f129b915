"""Methods of a user's own: a Python file that registers them, run where a study names it."""

from __future__ import annotations

import hashlib
import runpy
import traceback
from pathlib import Path

from autopelt import methods
from autopelt.errors import AutopeltError, UnavailableError, UsageError, parameter

_done: dict[str, str] = {}
"""Path of a file that was run -> hash of what it held."""


def run_own_file(path: str) -> None:
    """Run a file that calls `autopelt.register_method`, once a process as long as it is the same.

    Raises:
        UnavailableError: it is not there.
        UsageError: it stops with an error, or registers nothing.
    """
    try:
        content = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise UnavailableError(
            f"the file '{path}' with methods of your own cannot be read ({error.strerror}); put it "
            f"back, or name another one with {parameter('own_methods')}."
        ) from None
    if _done.get(path) == content:
        return
    before = dict(methods.METHODS)
    try:
        runpy.run_path(path)
    except AutopeltError:
        raise
    except (Exception, SystemExit) as error:
        line = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
        where = f", line {line[-1]}" if line else ""
        said = " ".join(str(error).split())
        raise UsageError(f"'{path}'{where}: {type(error).__name__}: {said}.") from None
    if before == methods.METHODS:
        raise UsageError(
            f"'{path}' registers no method; it calls autopelt.register_method(Method(), Module), "
            "see docs/adding-a-method.md."
        )
    _done[path] = content
