"""What reaches the terminal: lines in which everything foreign is harmless, tables, and JSON.

On a terminal they are as wide as that; in a file or a pipe a line stays one.
With ``--json`` a command writes JSON only to standard output: one object (`tell`), or a line for
each event (`event`). Words for people go to standard error then, whoever says them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import click

from autopelt.system.folded import columns, folded
from autopelt.system.json_text import event_text, json_text
from autopelt.system.printable import printable

if TYPE_CHECKING:
    from autopelt.views.columns import Table

JSON = "--json"
_ASKED: ContextVar[bool] = ContextVar("for a program", default=False)

json_option = click.option(JSON, is_flag=True, expose_value=False, help="JSON for programs.")
"""Of every command that tells something; the body asks `for_programs`."""


@contextmanager
def asked_by(words: Sequence[str]) -> Iterator[None]:
    """Whether a command line is a program's: known before it is parsed, which may fail."""
    options = words[: words.index("--")] if "--" in words else words
    token = _ASKED.set(JSON in options)
    try:
        yield
    finally:
        _ASKED.reset(token)


def for_programs() -> bool:
    """The command was given ``--json``."""
    return _ASKED.get()


def say(text: object = "", *, err: bool = False) -> None:
    """Print lines for a person. Texts of files are in them, so nothing steers the terminal."""
    err = err or for_programs()
    click.echo(folded(printable(str(text)), columns(err=err)), err=err)


def tell(values: Mapping[str, Any]) -> None:
    """Print the answer to a program: the only object."""
    click.echo(json_text(values))


def talk(text: str) -> None:
    """Say on the way what happens: a line, or the event ``message``."""
    if for_programs():
        event("message", text=text.strip())
    else:
        say(text)


def event(kind: str, /, **values: Any) -> None:
    """Tell a program at once what happens."""
    click.echo(event_text(kind, **values))


def echo_table(table: "Table", *, alone: bool = True) -> None:
    """Print a table, `alone` between blank lines."""
    err = for_programs()
    head, body = table.lines(columns(err=err))
    if alone:
        click.echo(err=err)
    for line in head:
        click.echo(click.style(printable(line), bold=True), err=err)
    for line in body:
        click.echo(printable(line), err=err)
    if alone:
        click.echo(err=err)
