"""A study to look at: its own file without Optuna; through it where trials lie elsewhere."""

from pathlib import Path

from autopelt.study.config import CONFIG
from autopelt.study.stored import Stored, load_config, read_file
from autopelt.study.there import require_study


def read_study(folder: Path) -> Stored:
    """A study that exists.

    Raises:
        UsageError: the folder is not a study.
        UnavailableError: its database cannot be read.
    """
    require_study(folder)
    config = load_config(folder) if (folder / CONFIG).is_file() else None
    if config is not None and config.storage is None:
        return read_file(folder, config)
    from autopelt.study.storage import StudyStorage

    return StudyStorage.open(folder)
