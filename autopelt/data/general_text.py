"""The general text on which forgetting is measured: the built-in one, or a user's file."""

import hashlib
from functools import cache
from importlib import resources
from pathlib import Path

from autopelt.errors import UsageError, parameter
from autopelt.system.files import read_text

BUILT_IN = "general_text.txt"
"""Beside this file: sixteen passages of as many kinds of prose, written for this package."""


def general_text(path: str | None) -> tuple[str, ...]:
    """Passages: the lines of a UTF-8 file that are not empty, or of the built-in text.

    Raises:
        UsageError: the file cannot be read or is empty.
    """
    content = _built_in() if path is None else read_text(Path(path), f"general text '{path}'")
    passages = tuple(line.strip() for line in content.splitlines() if line.strip())
    if not passages:
        raise UsageError(
            f"{parameter('general_text', path)} is empty; give a file of plain text, a passage a "
            "line."
        )
    return passages


def text_hash(passages: tuple[str, ...]) -> str:
    """SHA-256, so that going on with another text is noticed."""
    return hashlib.sha256("\n".join(passages).encode()).hexdigest()


@cache
def _built_in() -> str:
    return (resources.files("autopelt.data") / BUILT_IN).read_text("utf-8")
