"""Options that several commands take, made of the table of a study's (`workflows.options`)."""

import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from autopelt.workflows.options import OPTIONS

Command = TypeVar("Command", bound=Callable[..., Any])

elsewhere = click.option("--model", help="The backbone, if it lies elsewhere now.")


def option(name: str, *, required: bool = False, **other: Any) -> Callable[[Command], Command]:
    """A study's option, with what `other` says for this command (fields of `Option`)."""
    made = replace(OPTIONS[name], **other)
    flag = f"--{name.replace('_', '-')}"
    if made.type is bool:
        flag = f"{flag}/--no-{flag[2:]}"
    return click.option(flag, type=made.type, default=None, required=required, help=made.help)


def options(*names: str, **other: Any) -> Callable[[Command], Command]:
    """Several of a study's options in this order, all with what `other` says."""

    def decorate(command: Command) -> Command:
        for name in reversed(names):
            command = option(name, **other)(command)
        return command

    return decorate


def as_typed() -> str:
    """The command line as a user types it, for the record."""
    return shlex.join(["autopelt", *sys.argv[1:]])
