"""`autopelt report`: a study's report again, beside others, or several in one page."""

from pathlib import Path

import click

from autopelt.errors import UsageError


@click.command()
@click.argument("studies", metavar="STUDY...", nargs=-1, required=True)
@click.option(
    "--against", multiple=True, metavar="STUDY", help="Draw this study's progress as well."
)
@click.option("--out", help="Folder of the page; needed for several studies.")
def report(studies: tuple[str, ...], against: tuple[str, ...], out: str | None) -> None:
    """Build a study's report again, also while its search runs; or lay several over each other.

    Several studies go into one page under one budget and one reference point: fronts, progress,
    and what differs. They must be of one task on one backbone. --against draws another study's
    progress, one of random search for instance, into the report of a single study.

    \b
    Examples:
      autopelt report reports/rte-minilm-1pct
      autopelt report reports/rte-minilm-1pct --against reports/rte-random
      autopelt report reports/rte-minilm-1pct reports/rte-lora --out reports/compared
    """
    from autopelt.report import build, build_overlay, write_trials_csv
    from autopelt.study.database import CONFIG
    from autopelt.study.importance import with_importance
    from autopelt.study.storage import StudyStorage

    folder = None if out is None else Path(out)
    if folder is not None and (folder / CONFIG).is_file():
        raise UsageError(f"--out '{folder}' is a study; its own report lies there. Give another.")
    others = [StudyStorage.open(Path(name)).record() for name in against]
    opened = [StudyStorage.open(Path(name)) for name in studies]
    if len(studies) == 1:
        place = folder or Path(studies[0])
        record = with_importance(opened[0].record(), opened[0].config.random_seed)
        page = build(record, place, others)
        write_trials_csv(record, place)
    elif folder is None:
        raise UsageError(
            "one page of several studies needs --out FOLDER, such as reports/compared."
        )
    else:
        page = build_overlay([*(study.record() for study in opened), *others], folder)
    click.echo(page)
