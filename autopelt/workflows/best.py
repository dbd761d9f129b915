"""``best/`` of a study: the weights of its best trial, right whenever the search was killed."""

import json
from contextlib import suppress
from pathlib import Path

from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.study.storage import StudyStorage
from autopelt.system.files import recover_directory, replace_directory, write_text

WEIGHTS, LOG = "weights", "log.txt"
"""In a trial's folder: what it learned, until it is judged, and what its worker printed."""


class BestFolder:
    """Keeps of all trials' weights those of the best; nobody else writes trials' folders here."""

    def __init__(self, study: StudyStorage) -> None:
        self.study, self.folder = study, study.folder / "best"

    def place(self, number: int, name: str) -> str:
        """Where a trial's worker puts its weights or its log."""
        return str((self._trial_folder(number) / name).resolve())

    def keep(self, record: StudyRecord, trial: TrialRecord) -> None:
        """Take the weights of a trial that has ended if it is the best; drop them if not."""
        weights = self._trial_folder(trial.number) / WEIGHTS
        if record.best is not None and record.best.number == trial.number and weights.is_dir():
            known = self.study.attributes(trial.number)
            metrics = {
                "trial": trial.number,
                "label": trial.label,
                "selection": known["metrics"],
                "epoch": known["best_epoch"],
                "random_seed": trial.random_seed,
                "deployed": trial.count.deployed,
                "trained": trial.count.trained,
                "share": trial.count.share,
            }
            write_text(weights / "metrics.json", json.dumps(metrics, indent=2) + "\n")
            replace_directory(weights, self.folder)
        _tidy(weights.parent)

    def repair(self) -> None:
        """Put it right where the last search was killed between a trial's end and its move."""
        recover_directory(self.folder)
        record = self.study.record()
        if record.best is not None:
            self.keep(record, record.best)
        for folder in (self.study.folder / "trials").glob("*"):
            _tidy(folder)

    def _trial_folder(self, number: int) -> Path:
        return self.study.folder / "trials" / str(number)


def _tidy(folder: Path) -> None:
    """Leave of a trial's folder only what the trial printed."""
    replace_directory(folder / WEIGHTS, None)
    log = folder / LOG
    if log.is_file() and not log.stat().st_size:
        log.unlink()
    with suppress(OSError):
        folder.rmdir()
