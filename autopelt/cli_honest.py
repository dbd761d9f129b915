"""Commands that check a result beyond the search, as click sees them."""

import click


@click.command()
@click.argument("study")
@click.option("--seeds", type=int, help="Random seeds for each architecture.  [default: 5]")
@click.option("--top", type=int, help="Most architectures found, and seed ones.  [default: 3]")
@click.option("--workers", type=int, help="Trainings at once.  [default: the study's]")
def confirm(study: str, seeds: int | None, top: int | None, workers: int | None) -> None:
    """Train a study's best again with fresh random seeds and score the report split.

    Confirms the best architectures of the front and the best seed architectures, chosen by what
    the surrogate expects of them and not by the luckiest score. The verdict then gives their
    difference with a 95% interval. Goes on where it stopped.

    \b
    Examples:
      autopelt confirm reports/rte-minilm-1pct
      autopelt confirm reports/rte-minilm-1pct --seeds 10 --top 2
    """
    from autopelt.cli_confirm import run_confirm

    run_confirm(study, seeds, top, workers)


COMMANDS = (confirm,)
