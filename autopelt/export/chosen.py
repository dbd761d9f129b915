"""A training that others are told of: a trial of a study, or what `autopelt train` wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autopelt.architecture.architecture import Architecture
from autopelt.errors import UsageError, parameter
from autopelt.export.trained import DESCRIPTION
from autopelt.study.config import RECORD, TrainingConfig
from autopelt.study.lookup import choose_trial, split_study
from autopelt.study.storage import StudyStorage
from autopelt.training.final import read_record
from autopelt.training.spec import Setup


@dataclass(frozen=True)
class Chosen:
    """One training.

    Attributes:
        name: ``STUDY:TRIAL``, or the folder, as a user names it.
        setup: model, task and data; its record says which examples they must be.
        random_seed: of this training.
    """

    name: str
    setup: Setup
    training: TrainingConfig
    architecture: Architecture
    random_seed: int

    @property
    def model(self) -> str:
        """The model without the revision."""
        revision = self.setup.source.revision
        return self.setup.model.removesuffix(f"@{revision}") if revision else self.setup.model


def choose(name: str, to: str) -> Chosen:
    """Find a training by its name.

    Args:
        name: ``STUDY`` (its best), ``STUDY:TRIAL``, or a folder of `autopelt train`.
        to: the format, for the error.

    Raises:
        UsageError: none of these.
    """
    place = split_study(name)
    if place is not None:
        folder, which = place
        opened = StudyStorage.open(folder)
        opened.require_places()
        trial = choose_trial(opened.record(), which)
        setup = Setup.of(opened.config, opened.facts.task)
        training = opened.config.training
        named = f"{folder}:{trial.number}"
        return Chosen(named, setup, training, trial.architecture, trial.random_seed)
    path = Path(name)
    if (path / RECORD).is_file():
        record = read_record(path)
        architecture = Architecture.from_file(path / "architecture.yaml")
        return Chosen(name, record.setup, record.training, architecture, record.random_seed)
    why = "is no study and no folder of a trained model"
    if (path / DESCRIPTION).is_file():
        why = "is an exported folder, which keeps neither data nor schedule"
    raise UsageError(
        f"'{name}' {why}; {parameter('to', to)} takes STUDY, STUDY:TRIAL or the folder of a "
        "trained model, like reports/demo."
    )
