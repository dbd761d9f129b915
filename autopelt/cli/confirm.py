"""`autopelt confirm`: a study's best again, with fresh random seeds, on the report split."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autopelt.cli.console import echo_table, event, for_programs, json_option, say, talk
from autopelt.cli.options import option
from autopelt.errors import UnexpectedEndError, command
from autopelt.workflows.options import CONFIRM_SEEDS, CONFIRM_TOP

if TYPE_CHECKING:
    from autopelt.study.record import StudyRecord
    from autopelt.workflows.plan import Plan


@click.command(short_help="Train a study's best again with fresh random seeds.")
@click.argument("study")
@click.option(
    "--seeds",
    type=int,
    help=f"Random seeds for each architecture.  [default: the study's, or {CONFIRM_SEEDS}]",
)
@click.option(
    "--top", default=CONFIRM_TOP, show_default=True, help="Most architectures found, and seed ones."
)
@option("workers", words="Trainings at once.", otherwise="the study's")
@json_option
def confirm(study: str, seeds: int | None, top: int, workers: int | None) -> None:
    """Train a study's best again with fresh random seeds and score the report split.

    Confirms the best that was found at each size and the best made by hand, chosen by what is
    expected of them given all trials and not by the luckiest score, on examples that were kept
    aside until now (the report split). The verdict then gives their difference with a 95% interval.
    Goes on where it stopped.

    \b
    Examples:
      autopelt confirm reports/rte-minilm-1pct
      autopelt confirm reports/rte-minilm-1pct --seeds 10 --top 2
    """
    from autopelt.study.there import require_study

    require_study(Path(study))
    from autopelt.cards.next_steps import next_step
    from autopelt.cards.verdict import lines
    from autopelt.study.storage import StudyStorage
    from autopelt.workflows.plan import make_plan

    folder = Path(study)
    opened = StudyStorage.open(folder)
    opened.require_places()
    plan = make_plan(opened.config, opened.record().command, folder)
    record = confirmed(plan, folder, seeds=seeds, top=top, workers=workers)
    if for_programs():
        from autopelt.views.json_repeated import confirmed as found

        event("done", **found(record, folder), next=next_step(record, study, running=False).line)
        return
    from autopelt.views.conclusion import what_next

    say("\n".join(lines(record)))
    say("\n".join([f"Report:  {folder / 'index.html'}", "", *what_next(record, folder)]))


def confirmed(
    plan: "Plan",
    folder: Path,
    *,
    seeds: int | None = None,
    top: int | None = None,
    workers: int | None = None,
) -> "StudyRecord":
    """Confirm a study and print the table; `confirm_study` has the rest."""
    from autopelt.cards.confirmation import collapses
    from autopelt.system.signals import Stopped
    from autopelt.views.tables import confirmed_table
    from autopelt.workflows.confirm import confirm_study

    try:
        record = confirm_study(plan, folder, seeds=seeds, top=top, workers=workers, say=talk)
    except Stopped:
        raise UnexpectedEndError(
            f"stopped; nothing is lost. Go on with: {command('confirm', folder)}"
        ) from None
    echo_table(confirmed_table(record))
    if words := collapses(record):
        say(f"{words}\n")
    return record
