"""A score of generated texts by a Python function of the user's own: ``FILE.py:name``.

The function takes two lists of texts, what was written and what was to be written, and returns a
number, or a dictionary of numbers by name of which the first is the metric::

    def words(predictions, references):
        return sum(len(a.split()) == len(b.split()) for a, b in zip(predictions, references))

Larger is better, unless a dash stands before the name (``FILE.py:-name``) or the function has an
attribute ``lower_is_better`` that is true. The file is run only where a score names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from autopelt.errors import AutopeltError, UsageError, did_you_mean
from autopelt.system.files import expanded
from autopelt.system.own_code import RUN_NAME, content_hash, own_error, run_file

_WRITTEN = re.compile(r"(?P<path>.+\.py):(?P<less>-?)(?P<name>[^\W\d]\w*)")


@dataclass(frozen=True)
class OwnScore:
    """A function of a file that was run.

    Attributes:
        path: of the file.
        name: of the function.
        lower_is_better: of what it returns.
        hash: of the file's content.
    """

    path: str
    name: str
    lower_is_better: bool
    hash: str
    function: Callable[[list[str], list[str]], Any]

    def __call__(self, found: Sequence[str], gold: Sequence[str]) -> dict[str, float]:
        """What the function says of texts; `name` is the metric and comes first.

        Raises:
            UsageError: it stops with an error, or returns no number.
        """
        try:
            told = self.function(list(found), list(gold))
        except AutopeltError:
            raise
        except Exception as error:
            raise own_error(self.path, error) from None
        values = told if isinstance(told, Mapping) else {self.name: told}
        if not values:
            raise UsageError(f"'{self.path}': {self.name} returns an empty dictionary.")
        numbers = {str(name): self._number(value) for name, value in values.items()}
        return {self.name: numbers.get(self.name, next(iter(numbers.values())))} | numbers

    def _number(self, value: Any) -> float:
        try:
            if isinstance(value, str):
                raise TypeError
            return float(value)
        except (TypeError, ValueError):
            raise UsageError(
                f"'{self.path}': {self.name} returns {type(value).__name__}; a score is a number, "
                "or a dictionary of numbers by name."
            ) from None


def is_own(score: str) -> bool:
    """Whether a score is written as a function of a file."""
    return ".py:" in score


def absolute(score: str, folder: Path) -> str:
    """The same with a path that holds in every working directory."""
    path, _, name = score.rpartition(":")
    return f"{(folder / expanded(path)).resolve()}:{name}"


def own_score(score: str) -> OwnScore:
    """Run the file of a score ``FILE.py:name``.

    Raises:
        UnavailableError: there is no such file.
        UsageError: it stops with an error, or has no such function.
    """
    written = _WRITTEN.fullmatch(score)
    if written is None:
        raise UsageError(
            f"score '{score}' names no function; write FILE.py:name, or FILE.py:-name where less "
            "is better."
        )
    path, name = written["path"], written["name"]
    content = content_hash(path, "a score", "score")
    defined = _defined(path, content)
    if name not in defined:
        known = did_you_mean(name, defined) if defined else "it defines none."
        raise UsageError(f"'{path}' has no function '{name}': {known}")
    function = defined[name]
    lower = bool(written["less"] or getattr(function, "lower_is_better", False))
    return OwnScore(path, name, lower, content, function)


@lru_cache
def _defined(path: str, content: str) -> dict[str, Callable[..., Any]]:
    """Functions of a file by name; it is run once a process as long as it holds the same."""
    del content
    return {
        name: value
        for name, value in run_file(path).items()
        if callable(value) and getattr(value, "__module__", "") == RUN_NAME
    }
