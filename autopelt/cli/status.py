"""`autopelt status`: one screen about a study."""

from pathlib import Path

import click

from autopelt.cli.console import for_programs, json_option, say, tell


@click.command(short_help="Show how far a study is and what to do next.")
@click.argument("study")
@json_option
def status(study: str) -> None:
    """Show how far a study is, what it has found, and what to do next; also while it runs.

    \b
    Examples:
      autopelt status reports/rte-minilm-1pct
      autopelt status reports/rte-minilm-1pct --json
    """
    from autopelt.workflows.status import status, told

    values = status(Path(study))
    if for_programs():
        tell(values)
    else:
        say("\n".join(told(values)))
