"""What `autopelt report` does: a study's report again, beside others, or several in one page."""

from pathlib import Path

from rich.console import Console

from autopelt.errors import UsageError
from autopelt.report import build, build_overlay, write_trials_csv
from autopelt.study.importance import with_importance
from autopelt.study.record import StudyRecord
from autopelt.study.storage import CONFIG, StudyStorage


def run_report(studies: tuple[str, ...], against: tuple[str, ...], out: str | None) -> None:
    """Build the report of one study, or one page of several.

    Raises:
        UsageError: several studies without a folder for their page, or ones that say nothing about
            each other.
    """
    folder = None if out is None else Path(out)
    if folder is not None and (folder / CONFIG).is_file():
        raise UsageError(f"--out '{folder}' is a study; its own report lies there. Give another.")
    others = [_record(name)[0] for name in against]
    if len(studies) == 1:
        place = folder or Path(studies[0])
        record = with_importance(*_record(studies[0]))
        page = build(record, place, others)
        write_trials_csv(record, place)
    elif folder is None:
        raise UsageError(
            "one page of several studies needs --out FOLDER, such as reports/compared."
        )
    else:
        page = build_overlay([*(_record(name)[0] for name in studies), *others], folder)
    Console().print(str(page), highlight=False, soft_wrap=True)


def _record(name: str) -> tuple[StudyRecord, int]:
    """A study's record and its random seed."""
    opened = StudyStorage.open(Path(name))
    return opened.record(), opened.config.random_seed
