"""What reaches the terminal: lines in which everything foreign is harmless, and tables."""

from typing import TYPE_CHECKING

import click

from autopelt.system.printable import printable

if TYPE_CHECKING:
    from rich.table import Table


def say(text: object = "", *, err: bool = False) -> None:
    """Print lines for a person. Texts of files are in them, so nothing steers the terminal."""
    click.echo(printable(str(text)), err=err)


def echo_table(table: "Table", *, err: bool = False, least: int = 0) -> None:
    """Print a table between blank lines, as wide as the terminal but at least so wide."""
    from rich.console import Console

    click.echo(err=err)
    console = Console(stderr=err)
    console.width = max(least, console.width)
    console.print(table)
    click.echo(err=err)
