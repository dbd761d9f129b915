"""`autopelt status`: one screen about a study."""

import json
from pathlib import Path

import click

from autopelt.cli.console import say
from autopelt.cli.options import json_object


@click.command(short_help="Show how far a study is and what to do next.")
@click.argument("study")
@json_object
def status(study: str, as_json: bool) -> None:
    """Show how far a study is, what it has found, and what to do next; also while it runs.

    \b
    Examples:
      autopelt status reports/rte-minilm-1pct
      autopelt status reports/rte-minilm-1pct --json
    """
    from autopelt.workflows.status import status, told

    values = status(Path(study))
    if as_json:
        click.echo(json.dumps(values))
    else:
        say("\n".join(told(values)))
