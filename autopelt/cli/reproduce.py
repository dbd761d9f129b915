"""`autopelt reproduce`: a stored trial again, to the bit."""

from typing import TYPE_CHECKING

import click

from autopelt.cli.console import event, for_programs, json_option, say
from autopelt.cli.options import option
from autopelt.errors import UsageError
from autopelt.system.units import format_score

if TYPE_CHECKING:
    from autopelt.workflows.reproduce import Epoch


@click.command(short_help="Train a stored trial again: does it come out the same?")
@click.argument("trial")
@option("data", words="Folder with the task's files, if they lie elsewhere now.")
@json_option
def reproduce(trial: str, data: str | None) -> None:
    """Train a stored trial again and say whether it comes out to the bit.

    TRIAL is STUDY:12, or STUDY for its best. Exit code 5 where it comes out otherwise.

    \b
    Examples:
      autopelt reproduce reports/demo-minilm-0.006pct:12
    """
    from autopelt.study.lookup import BEST, choose_trial, split_study
    from autopelt.study.meaning import meant_study
    from autopelt.study.storage import StudyStorage
    from autopelt.workflows.plan import make_plan
    from autopelt.workflows.reproduce import reproduce
    from autopelt.workflows.settings import data_folder

    place = split_study(trial)
    if place is None:
        if (study := meant_study(trial)) is not None:
            which = trial.partition(":")[2] or BEST
            raise UsageError(f"'{trial}' is not a trial; did you mean {study}:{which}?")
        raise UsageError(
            f"'{trial}' is not a trial of a study; write it like reports/demo-minilm-0.006pct:12."
        )
    folder, which = place
    opened = StudyStorage.open(folder)
    opened.require_places(*(["data"] if data is not None else []))
    record, config = opened.record(), opened.config
    stored = choose_trial(record, which)
    if config.trials_per_worker > 1:
        raise UsageError(
            f"the trials of '{folder}' shared batches (--trials-per-worker "
            f"{config.trials_per_worker}), which rounds otherwise than one alone; to the bit only "
            "trials of a study with --trials-per-worker 1 can be trained again."
        )
    if data is not None:
        config = config.model_copy(update={"data": data_folder(data)})
    words = stored.architecture.describe()
    if for_programs():
        known = {"trial": stored.number, "random_seed": stored.random_seed}
        event("started", study=str(folder), **known, words=words)
    say(
        f"training trial {stored.number} of {folder} again, random seed {stored.random_seed}: "
        f"{words}"
    )

    def show(epoch: "Epoch") -> None:
        if for_programs():
            known = {"epoch": epoch.number, "score": epoch.score, "loss": epoch.loss}
            known |= {"stored_score": epoch.stored_score, "stored_loss": epoch.stored_loss}
            event("epoch", **known, same=epoch.same)
        score, stored = format_score(epoch.score), format_score(epoch.stored_score)
        words = f"  epoch {epoch.number}: {record.metric} {score}, loss {epoch.loss:.6f}"
        before = f"  (stored: {stored}, {epoch.stored_loss:.6f})"
        say(words if epoch.same else words + before)

    epochs = reproduce(record, stored, make_plan(config, record.command, folder), show)
    if for_programs():
        event("done", epochs=epochs)
    words = "1 epoch has its" if epochs == 1 else f"all {epochs} epochs have their"
    say(f"Reproduced: {words} stored score and loss, to the bit.")
