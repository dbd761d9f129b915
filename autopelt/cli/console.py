"""What reaches the terminal: lines in which everything foreign is harmless, and tables.

On a terminal they are as wide as that; in a file or a pipe a line stays one.
"""

from typing import TYPE_CHECKING

import click

from autopelt.system.folded import columns, folded
from autopelt.system.printable import printable

if TYPE_CHECKING:
    from autopelt.views.columns import Table


def say(text: object = "", *, err: bool = False) -> None:
    """Print lines for a person. Texts of files are in them, so nothing steers the terminal."""
    click.echo(folded(printable(str(text)), columns(err=err)), err=err)


def echo_table(table: "Table", *, err: bool = False) -> None:
    """Print a table between blank lines."""
    head, body = table.lines(columns(err=err))
    click.echo(err=err)
    for line in head:
        click.echo(click.style(printable(line), bold=True), err=err)
    for line in body:
        click.echo(printable(line), err=err)
    click.echo(err=err)
