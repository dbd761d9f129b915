"""Train one architecture from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopelt.workflows import train as workflows_train
from autopelt.workflows.train import Training

if TYPE_CHECKING:
    from autopelt.api.study import Study
    from autopelt.architecture.architecture import Architecture
    from autopelt.training.results import EpochResult


def train(
    study: str | Path | Study,
    architecture: str | Architecture | None = None,
    *,
    out: str | Path | None = None,
    epochs: int | None = None,
    random_seed: int | None = None,
    data: str | Path | None = None,
    force: bool = False,
    on_start: Callable[[Training], None] | None = None,
    on_epoch: Callable[[Training, EpochResult], None] | None = None,
) -> dict[str, Any]:
    """Train an architecture on a study's task, choose the epoch, score the report split, save it.

    Args:
        study: a study, its folder, or ``STUDY:TRIAL``.
        architecture: another one: an `Architecture`, a seed name, a file, or ``STUDY:TRIAL``.
        out: folder to make; None: ``STUDY/trained``.
        epochs: None: as many as the study's.
        random_seed: None: the trial's.
        data: the task's files, where they lie elsewhere now.
        force: replace ``STUDY/trained``.
        on_start: is told what will be trained.
        on_epoch: is told of every epoch.

    Returns:
        What ``training.json`` says (``metric``, ``report``, ``selection``, …), and ``folder``.

    Raises:
        UsageError, UnavailableError: as the command ``autopelt train``.
        InfeasibleError: there is nothing to train yet, or the training failed.
    """
    return workflows_train.train(
        str(getattr(study, "folder", study)),
        architecture,
        out=out,
        epochs=epochs,
        random_seed=random_seed,
        data=data,
        force=force,
        on_start=on_start or (lambda training: None),
        on_epoch=on_epoch or (lambda training, result: None),
    )
