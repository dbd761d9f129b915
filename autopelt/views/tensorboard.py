"""TensorBoard's files of each trial: ``tensorboard --logdir STUDY/tensorboard``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.views.terminal import View

FOLDER = "tensorboard"


class TensorBoardView:
    """Writes what a trial tells, and hands everything on to the view that a person sees.

    Curves are loss, score and all metrics of the selection split by epoch; when a trial ends, its
    score and parameters follow, and the architecture in words.
    """

    def __init__(self, view: View, folder: Path) -> None:
        self.view, self.folder = view, folder
        self._writers: dict[int, Any] = {}

    def message(self, text: str) -> None:
        """Hand it on."""
        self.view.message(text)

    def started(self, trial: TrialRecord, study: StudyRecord) -> None:
        """Open the trial's file."""
        from tensorboardX import SummaryWriter

        name = f"{trial.number:04d}" + (f"-{trial.label}" if trial.label else "")
        writer = SummaryWriter(str(self.folder / name), write_to_disk=True)
        writer.add_text("architecture", trial.architecture.describe())
        self._writers[trial.number] = writer
        self.view.started(trial, study)

    def doing(self, number: int | None, text: str) -> None:
        """Hand it on."""
        self.view.doing(number, text)

    def progressed(self, number: int, result: dict[str, Any]) -> None:
        """Write an epoch."""
        writer = self._writers.get(number)
        if writer is not None:
            writer.add_scalar("train/loss", result["loss"], result["epoch"])
            writer.add_scalar("selection/score", result["score"], result["epoch"])
            for name, value in (result["metrics"] | result.get("texts", {})).items():
                writer.add_scalar(f"selection/{name}", value, result["epoch"])
            writer.flush()
        self.view.progressed(number, result)

    def finished(self, trial: TrialRecord, study: StudyRecord) -> None:
        """Close the trial's file."""
        writer = self._writers.pop(trial.number, None)
        if writer is not None:
            writer.add_scalar("trial/parameters", trial.count.deployed, 0)
            if trial.score is not None:
                writer.add_scalar("trial/score", trial.score, 0)
            writer.close()
        self.view.finished(trial, study)


def logging_to(view: View, folder: Path, wanted: bool) -> View:
    """The view itself, or one that writes TensorBoard's files as well where they are wanted."""
    return TensorBoardView(view, folder / FOLDER) if wanted else view
