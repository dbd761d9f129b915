"""`autopelt reproduce`: a stored trial again, to the bit."""

from typing import TYPE_CHECKING

import click

from autopelt.cli.console import say
from autopelt.cli.options import option
from autopelt.errors import UsageError
from autopelt.system.units import format_score

if TYPE_CHECKING:
    from autopelt.workflows.reproduce import Epoch


@click.command(short_help="Train a stored trial again: does it come out the same?")
@click.argument("trial")
@option("data", words="Folder with the task's files, if they lie elsewhere now.")
def reproduce(trial: str, data: str | None) -> None:
    """Train a stored trial again and say whether it comes out to the bit.

    TRIAL is STUDY:12, or STUDY for its best. Exit code 5 where it comes out otherwise.

    \b
    Examples:
      autopelt reproduce reports/demo-minilm-0.01pct:12
    """
    from autopelt.study.lookup import choose_trial, split_study
    from autopelt.study.storage import StudyStorage
    from autopelt.workflows.plan import make_plan
    from autopelt.workflows.reproduce import reproduce
    from autopelt.workflows.settings import data_folder

    place = split_study(trial)
    if place is None:
        raise UsageError(
            f"'{trial}' is not a trial of a study; write it like reports/demo-minilm-0.01pct:12."
        )
    folder, which = place
    opened = StudyStorage.open(folder)
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
    say(
        f"training trial {stored.number} of {folder} again, random seed {stored.random_seed}: "
        f"{stored.architecture.describe()}"
    )

    def show(epoch: "Epoch") -> None:
        score, stored = format_score(epoch.score), format_score(epoch.stored_score)
        words = f"  epoch {epoch.number}: {record.metric} {score}, loss {epoch.loss:.6f}"
        before = f"  (stored: {stored}, {epoch.stored_loss:.6f})"
        say(words if epoch.same else words + before)

    epochs = reproduce(record, stored, make_plan(config, record.command, folder), show)
    words = "1 epoch has its" if epochs == 1 else f"all {epochs} epochs have their"
    say(f"Reproduced: {words} stored score and loss, to the bit.")
