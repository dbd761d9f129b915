"""Whether there is a study or a trained model at all where a user says; takes nothing heavy."""

from pathlib import Path

from autopelt.errors import UnavailableError, UsageError, command
from autopelt.study.config import CONFIG, DATABASE, RECORD, STUDIES


def is_trained(folder: Path) -> bool:
    """Whether a folder holds a trained model."""
    return (folder / RECORD).is_file()


def require_study(folder: Path) -> None:
    """Raises UsageError where a folder is no study."""
    if folder.is_dir() and any((folder / name).is_file() for name in (CONFIG, DATABASE)):
        return
    # All words that mean something else take a while to import.
    from autopelt.study.meaning import meaning, meant_study, studies_in

    if not folder.is_dir():
        if meant := meant_study(folder):
            raise UsageError(f"'{folder}' is not a study; did you mean {meant}?")
        hint = meaning(str(folder)) or f"studies are folders in {STUDIES}/."
        raise UsageError(f"study '{folder}' does not exist; {hint}")
    raise UsageError(
        f"'{folder}' is not a study: it has no {CONFIG}; "
        f"{meaning(str(folder)) or studies_in(folder)}"
    )


def require_study_of(name: str) -> None:
    """The same of ``STUDY`` or ``STUDY:TRIAL``."""
    study = name.rpartition(":")[0]
    if not study or Path(name).is_dir() or not Path(study).is_dir():
        require_study(Path(name))
    else:
        require_study(Path(study))


def nothing_trained(folder: str | Path) -> UnavailableError:
    """The error for a folder that holds no trained model."""
    from autopelt.study.meaning import meaning, meant_study

    study = meant_study(folder)
    hint = meaning(str(folder)) or f"train one: {command('train', 'STUDY')}"
    return UnavailableError(
        f"'{folder}' holds nothing to export: it is no study, no STUDY:TRIAL, and no folder "
        f"that was trained or exported; {hint if study is None else f'did you mean {study}?'}"
    )


def require_trained(name: str) -> None:
    """Raises UnavailableError where nothing lies at a name, nor a study before its colon."""
    study = name.rpartition(":")[0]
    if not any(Path(place).is_dir() for place in (name, study) if place):
        raise nothing_trained(name)
