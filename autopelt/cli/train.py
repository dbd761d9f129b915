"""`autopelt train`: a study's best architecture as a folder to keep."""

from typing import TYPE_CHECKING, Any

import click

from autopelt.cli.console import event, for_programs, json_option, say
from autopelt.cli.evaluate import reported
from autopelt.cli.options import option
from autopelt.errors import as_typed
from autopelt.system.units import format_score

if TYPE_CHECKING:
    from autopelt.training.results import EpochResult
    from autopelt.workflows.train import Training


@click.command(short_help="Train a study's best architecture on its task.")
@click.argument("study")
@click.option("--architecture", help="Another one: a seed architecture, a file, or STUDY:TRIAL.")
@click.option("--out", help="Folder to write.  [default: STUDY/trained]")
@option("epochs", words="Epochs.", otherwise="the study's")
@option("random_seed", words="Random seed.", otherwise="the best trial's")
@option("data", words="Folder with the task's files.", otherwise="the study's")
@click.option("--force", is_flag=True, help="Replace what STUDY/trained holds.")
@json_option
def train(study: str, architecture: str | None, **choices: Any) -> None:
    """Train a study's best architecture on its task and write a folder to keep.

    STUDY:12 trains trial 12 instead, STUDY:knee the front's knee, STUDY:smallest the smallest that
    is as good as the best, STUDY:confirmed the best of those that were confirmed.

    \b
    Examples:
      autopelt train reports/rte-minilm-1pct
      autopelt train reports/rte-minilm-1pct:12 --out models/trial-12
      autopelt train reports/rte-minilm-1pct --architecture lora-r8 --out models/lora
    """
    from autopelt.study.there import require_study_of

    require_study_of(study)
    from autopelt.api.train import train

    def announce(training: "Training") -> None:
        if for_programs():
            made = training.architecture
            event(
                "started",
                **{"name": training.name, "id": made.id, "words": made.describe()},
                **{"metric": training.metric, "epochs": training.epochs},
                folder=str(training.folder),
            )
            return
        say(f"training {training.name}: {training.architecture.describe()}")

    def show(training: "Training", result: "EpochResult") -> None:
        if for_programs():
            known = {"epoch": result.epoch, "score": result.score, "loss": result.loss}
            event("epoch", **known, best=result.best)
            return
        say(
            f"  epoch {result.epoch} of {training.epochs}: loss {result.loss:.4f}, "
            f"selection {training.metric} {format_score(result.score)}"
            f"{' *' if result.best else ''}"
        )

    trained = train(study, architecture, **choices, on_start=announce, on_epoch=show)
    if for_programs():
        event("done", **trained)
        return
    for line in reported(trained):
        say(line)
    say(f"Saved:    {trained['folder']}")
    say(f"Evaluate: {as_typed('evaluate', trained['folder'])}")
