"""`autopelt evaluate`: a trained folder's score on the report split."""

import json
from collections.abc import Mapping
from pathlib import Path

import click

from autopelt.cli.options import elsewhere, json_object, option


@click.command()
@click.argument("folder")
@elsewhere
@option("data", words="The task's files, if they lie elsewhere now.")
@json_object
def evaluate(folder: str, model: str | None, data: str | None, as_json: bool) -> None:
    """Score a trained folder on its task's report split.

    \b
    Examples:
      autopelt evaluate reports/rte-minilm-1pct/trained
      autopelt evaluate models/lora --data glue --json
    """
    from autopelt.training.final import evaluate_model

    result = evaluate_model(Path(folder), model=model, data=data)
    if as_json:
        click.echo(json.dumps(result))
        return
    for metric in result["report"]:
        constant = result["constant"] if metric == result["metric"] else None
        click.echo(reported(metric, result["report"], constant))


def reported(metric: str, scores: Mapping[str, float], constant: Mapping[str, float] | None) -> str:
    """A score on the report split, and what the best constant answer has there."""
    words = f"report {metric} {scores[metric]:.4f}"
    return words if constant is None else f"{words} (a constant answer: {constant[metric]:.4f})"
