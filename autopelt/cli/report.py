"""`autopelt report`: a study's report again, beside others, or several in one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autopelt.cli.console import for_programs, json_option, say, tell
from autopelt.errors import UsageError

if TYPE_CHECKING:
    from autopelt.study.record import StudyRecord


@click.command(short_help="Build a study's report again, or the page of all reports.")
@click.argument("studies", metavar="STUDY...", nargs=-1, required=True)
@click.option(
    "--against", multiple=True, metavar="STUDY", help="Draw this study's progress as well."
)
@click.option("--out", help="Folder of the page; needed for several studies.")
@click.option(
    "--shared-plotly",
    is_flag=True,
    help="A page for each folder; all take plotly.js from one file beside these.",
)
@json_option
def report(
    studies: tuple[str, ...], against: tuple[str, ...], out: str | None, shared_plotly: bool
) -> None:
    """Build a study's report again, also while its search runs; or lay several over each other.

    Several studies go into one page under one budget and one reference point: fronts, progress,
    and what differs. They must be of one task on one backbone. --against draws another study's
    progress, one of random search for instance, into the report of a single study.

    A page is one file to pass on. --shared-plotly is for a place that keeps many: each of these
    folders gets its own page, a tenth as large, and plotly.js lies beside the folders once.
    A folder may then be of a comparison as well, or hold a page alone.

    \b
    Examples:
      autopelt report reports/rte-minilm-1pct
      autopelt report reports/rte-minilm-1pct --against reports/rte-random
      autopelt report reports/rte-minilm-1pct reports/rte-lora --out reports/compared
      autopelt report reports/rte-minilm-1pct reports/compare-rte --shared-plotly
    """
    from autopelt.report import build, build_overlay, share, write_trials_csv
    from autopelt.study.config import CONFIG
    from autopelt.study.storage import StudyStorage

    if shared_plotly:
        if out is not None or against:
            raise UsageError("--shared-plotly makes no other page; leave out --out and --against.")
        pages = []
        for place in map(Path, studies):
            if (place / CONFIG).is_file():
                record = _record(place)
                build(record, place)
                write_trials_csv(record, place)
            share(place / "index.html")
            pages.append(place / "index.html")
        _told(pages)
        return
    folder = None if out is None else Path(out)
    if folder is not None and (folder / CONFIG).is_file():
        raise UsageError(f"--out '{folder}' is a study; its own report lies there. Give another.")
    others = [StudyStorage.open(Path(name)).record() for name in against]
    if len(studies) == 1:
        place = folder or Path(studies[0])
        record = _record(Path(studies[0]))
        page = build(record, place, others)
        write_trials_csv(record, place)
    elif folder is None:
        raise UsageError(
            "one page of several studies needs --out FOLDER, such as reports/compared."
        )
    else:
        laid = [StudyStorage.open(Path(name)).record() for name in studies]
        page = build_overlay([*laid, *others], folder)
    _told([page])


def _told(pages: Sequence[Path]) -> None:
    if for_programs():
        tell({"pages": [str(page) for page in pages]})
        return
    for page in pages:
        say(page)


def _record(folder: Path) -> StudyRecord:
    """A study with what its scores depend on."""
    from autopelt.study.importance import with_importance
    from autopelt.study.storage import StudyStorage

    study = StudyStorage.open(folder)
    return with_importance(study.record(), study.config.random_seed)
