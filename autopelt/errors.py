"""Errors a user can act on: one line, the offending value, what is allowed, the next command.

Every error of ours carries the process exit code that the command line ends with. Anything else
that reaches the command line is a bug and exits with 1.
"""

import difflib
from collections.abc import Iterable


class AutopeltError(Exception):
    """Base of all errors that are the product's own; `exit_code` is the process exit code."""

    exit_code = 1


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


def did_you_mean(value: str, allowed: Iterable[str]) -> str:
    """End an error message about an unknown `value`: the likely meaning, and all that is allowed.

    Returns:
        For example ``did you mean 'rte'? Allowed: demo, rte.``
    """
    names = sorted(allowed)
    close = difflib.get_close_matches(value.lower(), [n.lower() for n in names], n=1, cutoff=0.6)
    hint = next((f"did you mean '{n}'? " for n in names if close and n.lower() == close[0]), "")
    return f"{hint}Allowed: {', '.join(names)}."
