"""`autopelt evaluate`: a trained folder's score on the report split."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from autopelt.cli.console import for_programs, json_option, say, tell
from autopelt.cli.options import elsewhere, option
from autopelt.system.units import format_score


@click.command(short_help="Score a trained folder on examples kept aside until then.")
@click.argument("folder")
@elsewhere
@option("data", words="The task's files, if they lie elsewhere now.")
@json_option
def evaluate(folder: str, model: str | None, data: str | None) -> None:
    """Score a trained folder on its task's report split.

    \b
    Examples:
      autopelt evaluate reports/rte-minilm-1pct/trained
      autopelt evaluate models/lora --data glue --json
    """
    from autopelt.training.final import evaluate_model

    result = evaluate_model(Path(folder), model=model, data=data)
    if for_programs():
        tell(result)
        return
    for line in reported(result):
        say(line)


def reported(result: Mapping[str, Any]) -> list[str]:
    """All scores on the report split; of the metric, what the best constant answer has there."""
    lines = [f"report {name} {format_score(value)}" for name, value in result["report"].items()]
    metric, constant = result["metric"], result["constant"]
    if constant is not None:
        place = list(result["report"]).index(metric)
        lines[place] += f" (a constant answer: {format_score(constant[metric])})"
    return lines
