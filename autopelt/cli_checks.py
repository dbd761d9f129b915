"""Commands that look before one starts, as click sees them."""

import click


@click.command(name="list")
@click.argument("what")
@click.option("--data", help="Folder with tasks' files, else AUTOPELT_DATA.")
def list_(what: str, data: str | None) -> None:
    """List spaces, tasks, architectures or models.

    \b
    Examples:
      autopelt list tasks
      autopelt list architectures
    """
    from autopelt.cli_architecture import run_list

    run_list(what, data)


COMMANDS = (list_,)
