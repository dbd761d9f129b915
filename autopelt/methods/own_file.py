"""Methods of a user's own: a Python file that registers them, run where a study names it."""

from __future__ import annotations

from autopelt import methods
from autopelt.errors import UsageError
from autopelt.system.own_code import content_hash, run_file

_done: dict[str, str] = {}
"""Path of a file that was run -> hash of what it held."""


def run_own_file(path: str) -> None:
    """Run a file that calls `autopelt.register_method`, once a process as long as it is the same.

    Raises:
        UnavailableError: it is not there.
        UsageError: it stops with an error, or registers nothing.
    """
    content = content_hash(path, "methods", "own_methods")
    if _done.get(path) == content:
        return
    before = dict(methods.METHODS)
    run_file(path)
    if before == methods.METHODS:
        raise UsageError(
            f"'{path}' registers no method; it calls autopelt.register_method(Method(), Module), "
            "see docs/adding-a-method.md."
        )
    _done[path] = content
