"""Tables on the terminal; all other lines are click's."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table


def echo_table(table: "Table", *, err: bool = False, least: int = 0) -> None:
    """Print a table between blank lines, as wide as the terminal but at least so wide."""
    from rich.console import Console

    click.echo(err=err)
    console = Console(stderr=err)
    console.width = max(least, console.width)
    console.print(table)
    click.echo(err=err)
