"""Errors a user can act on: one line, the offending value, what is allowed, the next command.

Every error of ours carries the process exit code that the command line ends with. Anything else
that reaches the command line is a bug and exits with 1.
"""

import difflib
import json
import os
import re
import shlex
from collections.abc import Iterable
from typing import Any


class AutopeltError(Exception):
    """Base of all errors that are the product's own.

    Attributes:
        exit_code: the process exit code.
        marked: the message with parameters and commands still marked (`parameter`, `command`);
            `str` of the error has them as Python writes them. An error that quotes another one
            quotes this.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(COMMAND.sub(_call, PARAMETER.sub(r"\1\2", message)))
        self.marked = message

    @property
    def next(self) -> str | None:
        """The first command that the message names, as one types it; None where it names none."""
        found = COMMAND.search(self.marked)
        return None if found is None else typed(found)


class UsageError(AutopeltError):
    """The invocation, a configuration file or an architecture is wrong (exit code 2)."""

    exit_code = 2


class UnavailableError(AutopeltError):
    """Data or a model is not to be had, or cannot be read (exit code 3)."""

    exit_code = 3


class InfeasibleError(AutopeltError):
    """Nothing fits the budget, or no trial finished (exit code 4)."""

    exit_code = 4


class ReproductionError(AutopeltError):
    """A stored result does not come out again (exit code 5)."""

    exit_code = 5


class UnexpectedEndError(AutopeltError):
    """The search had to stop before its last trial (exit code 130)."""

    exit_code = 130


def parameter(name: str, value: object = None) -> str:
    """Mark a parameter's name within an error's message, with a value that it has or may take.

    Python users read ``epochs`` and ``epochs=0``; the command line shows its own options.
    """
    return f"\x02{name}\x03" if value is None else f"\x02{name}={value!r}\x03"


def command(name: str, *arguments: object, **options: object) -> str:
    """Mark a command of the program within an error's message, as what leads on.

    The command line shows ``autopelt resume FOLDER``, Python ``autopelt.open_study('FOLDER')
    .resume()``; a command that has no such call stays one.
    """
    return f"\x04{json.dumps([name, list(map(str, arguments)), options])}\x05"


def require_positive(**values: int) -> None:
    """Raise UsageError for a parameter below 1."""
    for name, value in values.items():
        if value < 1:
            raise UsageError(f"{parameter(name, value)} is too few; it must be 1 or more.")


PARAMETER = re.compile("\x02([a-z_]+)(=[^\x03]*)?\x03")
"""A marked parameter: its name, and ``=`` with the value as Python writes it."""


COMMAND = re.compile("\x04([^\x05]*)\x05")
"""A marked command: its name, arguments and options, as JSON."""

_CALLS = {
    "search": "autopelt.search({options})",
    "train": "autopelt.train({arguments})",
    "resume": "autopelt.open_study({arguments}).resume({options})",
    "status": "autopelt.open_study({arguments})",
    "report": "autopelt.open_study({arguments}).report()",
}
"""Command -> the call of Python that does the same."""


def _parts(found: re.Match[str]) -> tuple[str, list[str], dict[str, Any]] | None:
    """Name, arguments and options of a marked command; None of a user's text that has the marks."""
    try:
        name, arguments, options = json.loads(found[1])
        return str(name), list(map(str, arguments)), dict(options)
    except (ValueError, TypeError, RecursionError):
        return None


def typed(found: re.Match[str]) -> str:
    """A marked command as one types it."""
    parts = _parts(found)
    if parts is None:
        return found[0]
    name, arguments, options = parts
    return as_typed(name, *arguments, **options)


def as_typed(name: str, *arguments: object, **options: object) -> str:
    """A command as one types it in a shell, whatever folders are called."""
    words = ["autopelt", name]
    words += [f"./{a}" if str(a).startswith("-") else str(a) for a in arguments]
    for option, value in options.items():
        flag = f"--{option.replace('_', '-')}"
        words += [flag] if value is True else [flag, str(value)]
    return shlex.join(words)


def _call(found: re.Match[str]) -> str:
    """A marked command as Python writes it, where it has a call for it."""
    parts = _parts(found)
    if parts is None or parts[0] not in _CALLS:
        return typed(found)
    name, arguments, options = parts
    given = [f"{option}={value!r}" for option, value in options.items()]
    every = map(repr, arguments) if "{options}" in _CALLS[name] else [*map(repr, arguments), *given]
    return _CALLS[name].format(arguments=", ".join(every), options=", ".join(given))


MANY = 12
"""Names up to which all that are allowed are told."""


def did_you_mean(value: str, allowed: Iterable[str], see: str = "") -> str:
    """End an error message about an unknown `value`: the likely meaning, and all that is allowed.

    Args:
        value: what was given.
        allowed: what may be.
        see: a marked command that lists all of it, which stands for a list of many.

    Returns:
        For example ``did you mean 'rte'? Allowed: demo, rte.``
    """
    names = sorted(allowed)
    close = nearest(value, names)
    hint = "" if close is None else f"did you mean '{close}'? "
    if see and len(names) > MANY:
        return f"{hint}All there are: {see}"
    return f"{hint}Allowed: {', '.join(names)}."


def nearest(value: str, allowed: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The name that is most likely meant: what it begins or ends with, then what is spelled so.

    Case, and whether words are joined by ``-`` or ``_``, make no difference.
    """
    names = {name.lower().replace("_", "-"): name for name in sorted(allowed, reverse=True)}
    word = value.lower().replace("_", "-").rstrip("/")
    whole = [n for n in (word, word.rpartition("/")[2]) if n in names]
    begun = [n for n in names if len(word) > 2 and n.startswith(word)]
    begins = [n for n in names if len(n) > 2 and word.startswith(f"{n}-")]
    ends = [n for n in names if len(n) > 2 and word.endswith(f"-{n}")]
    spelled = difflib.get_close_matches(word, names, n=1, cutoff=cutoff)
    found = [*whole, *sorted(begun, key=len), *sorted(begins, key=len, reverse=True), *ends]
    return next((names[n] for n in [*found, *spelled]), None)


OF_THE_SYSTEM = (OSError, UnicodeError, RecursionError, OverflowError, MemoryError)
"""Errors of Python that a file, a folder or the machine can cause wherever they are touched."""


def of_the_system(error: BaseException) -> UnavailableError:
    """An error of Python out of `OF_THE_SYSTEM` as one line of ours, for the program's edge."""
    if isinstance(error, OSError):
        where = f"'{os.fsdecode(error.filename)}' " if error.filename else "a file or device "
        return UnavailableError(f"{where}cannot be used: {error.strerror or error}.")
    if isinstance(error, MemoryError):
        return UnavailableError("there is not enough memory for this.")
    line = " ".join(str(error).split())
    return UnavailableError(f"a value that was read cannot be worked with: {line}.")
