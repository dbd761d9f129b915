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


@click.command()
@click.argument("trial")
@click.option("--data", help="Folder with the task's files, if they lie elsewhere now.")
def reproduce(trial: str, data: str | None) -> None:
    """Train a stored trial again and say whether it comes out to the bit.

    TRIAL is STUDY:12, or STUDY for its best. Exit code 5 where it comes out otherwise.

    \b
    Examples:
      autopelt reproduce reports/demo-minilm-1pct:12
    """
    from autopelt.cli_reproduce import run_reproduce

    run_reproduce(trial, data)


COMMANDS = (list_, reproduce)
