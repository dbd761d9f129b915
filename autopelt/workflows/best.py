"""``best/`` of a study: the weights of its best architecture, right whenever the search was killed.

Which architecture is believed to be the best can change with every trial. So while a search runs,
the weights of the `CONTENDERS` that are believed in most are kept in their trials' folders.
"""

import json
import math
import shutil
from contextlib import suppress
from pathlib import Path

from autopelt.errors import as_typed
from autopelt.study.record import RUNNING, StudyRecord, TrialRecord
from autopelt.study.storage import StudyStorage
from autopelt.system.files import recover_directory, replace_directory, write_text

WEIGHTS, LOG = "weights", "log.txt"
"""In a trial's folder: what it learned, while it is a contender, and what its worker printed."""
_COPY, _DROPPED = "copy", "dropped"
"""In a trial's folder: weights that are being made or deleted; nobody reads them."""

CONTENDERS = 8
"""So many architectures keep their weights until the search ends."""


class BestFolder:
    """Keeps weights of the best and its rivals; nobody else writes trials' folders here."""

    def __init__(self, study: StudyStorage) -> None:
        self.study, self.folder = study, study.folder / "best"

    def place(self, number: int, name: str) -> str:
        """Where a trial's worker puts its weights or its log."""
        return str((self._trial_folder(number) / name).resolve())

    def keep(self, record: StudyRecord, trial: TrialRecord) -> None:
        """Put the weights of a trial that has ended, and all others, where they belong now."""
        self._sort(record)
        _tidy(self._trial_folder(trial.number))

    def repair(self) -> None:
        """Put it right where the last search was killed between a trial's end and its move."""
        recover_directory(self.folder)
        record = self.study.record()
        for trial in record.trials:
            if trial.state == RUNNING:  # it is run again
                _drop(self._trial_folder(trial.number))
        self._sort(record)
        for folder in (self.study.folder / "trials").glob("*"):
            _tidy(folder)

    def end(self) -> str:
        """The search is over: ``best/`` stays, the weights of the others go.

        Returns:
            What the user must know, or "": in a study that went on, the weights of what is now
            believed to be the best may have been dropped when it was not.
        """
        for folder in (self.study.folder / "trials").glob("*"):
            _drop(folder)
        record, held = self.study.record(), self._held()
        best = record.best
        if best is None or held is None or held in [t.number for t in record.trainings_of(best)]:
            return ""
        return (
            f"best/ holds trial {held}: the weights of {best.name}, now the best, were not kept; "
            f"{as_typed('train', self.study.folder)} trains it again"
        )

    def _sort(self, record: StudyRecord) -> None:
        """Move the best training there is into ``best/``, keep contenders, drop what is neither."""
        held = self._held()
        kept = self._contenders(record, held)
        if kept:
            best = kept[0]
            if held is not None and held != best.number and held in [t.number for t in kept]:
                self._give_back(held)
            text = json.dumps(self._metrics(record, best), indent=2) + "\n"
            source = self.folder if held == best.number else self._weights(best.number)
            if _text(source / "metrics.json") != text:
                write_text(source / "metrics.json", text)
            if source != self.folder:
                replace_directory(source, self.folder)
        numbers = {t.number for t in kept}
        for trial in record.trials:
            if trial.state != RUNNING and trial.number not in numbers:
                _drop(self._trial_folder(trial.number))

    def _contenders(self, record: StudyRecord, held: int | None) -> list[TrialRecord]:
        """The best training with weights of each: the best, then what is believed in most."""
        found: list[TrialRecord] = []
        best = record.best
        for architecture in sorted(record.ranked, key=lambda t: t is not best):
            there = [
                t
                for t in record.trainings_of(architecture)
                if t.number == held or _whole(self._weights(t.number))
            ]
            if there and len(found) < CONTENDERS:
                found.append(max(there, key=lambda t: (t.point[1], -t.number)))
        return found

    def _held(self) -> int | None:
        """Number of the trial whose weights are in ``best/``; None where there are none."""
        try:
            number = json.loads((self.folder / "metrics.json").read_text("utf-8"))["trial"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return number if isinstance(number, int) and _whole(self.folder) else None

    def _give_back(self, number: int) -> None:
        """Copy ``best/`` to the folder of its trial, where it is a contender like others."""
        if not _whole(self._weights(number)):
            copy = self._trial_folder(number) / _COPY
            replace_directory(copy, None)
            shutil.copytree(self.folder, copy)
            replace_directory(copy, self._weights(number))

    def _metrics(self, record: StudyRecord, trial: TrialRecord) -> dict[str, object]:
        """What ``best/metrics.json`` says: what a training reached, and what is believed."""
        known, belief = self.study.attributes(trial.number), record.belief(trial)
        return {
            "trial": trial.number,
            "label": record.trainings_of(trial)[0].label,
            "selection": known["metrics"],
            "expected": belief.mean,
            "sd": belief.sd if math.isfinite(belief.sd) else None,
            "trainings": belief.trainings,
            "epoch": known["best_epoch"],
            "random_seed": trial.random_seed,
            "deployed": trial.count.deployed,
            "trained": trial.count.trained,
            "share": trial.count.share,
        }

    def _weights(self, number: int) -> Path:
        return self._trial_folder(number) / WEIGHTS

    def _trial_folder(self, number: int) -> Path:
        return self.study.folder / "trials" / str(number)


def _whole(weights: Path) -> bool:
    """Whether weights are there; the architecture is written after them."""
    return (weights / "architecture.yaml").is_file()


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError):
        return ""


def _drop(folder: Path) -> None:
    """Delete a trial's weights: gone at once for who looks, whenever this is killed."""
    if (folder / WEIGHTS).is_dir():
        replace_directory(folder / _DROPPED, None)
        (folder / WEIGHTS).rename(folder / _DROPPED)
    _tidy(folder)


def _tidy(folder: Path) -> None:
    """Leave of a trial's folder only its weights and what the trial printed."""
    if not folder.is_dir():
        return
    for left in (_COPY, _DROPPED):
        replace_directory(folder / left, None)
    log = folder / LOG
    if log.is_file() and not log.stat().st_size:
        log.unlink()
    with suppress(OSError):
        folder.rmdir()
