"""Searches and their results from Python; the command line calls the same functions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.load import load_tokenizer
from autopelt.errors import UnexpectedEndError
from autopelt.export import find_trained, load_trained
from autopelt.export.trained import trial_folder
from autopelt.report import build
from autopelt.study.importance import with_importance
from autopelt.study.lookup import BEST, choose_trial
from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.study.storage import StudyStorage
from autopelt.study.table import trials_table
from autopelt.system.signals import Stopped
from autopelt.training.results import EpochResult
from autopelt.training.spec import Setup
from autopelt.views.tensorboard import logging_to
from autopelt.views.terminal import LineView, View
from autopelt.workflows import search as workflows_search
from autopelt.workflows import train as workflows_train
from autopelt.workflows.memory import too_much
from autopelt.workflows.plan import Plan, make_plan
from autopelt.workflows.settings import changed_config, new_folder, resolve_config
from autopelt.workflows.train import Training

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedModel


class Study:
    """A study in its folder. What it says is always what the folder holds now.

    Attributes:
        folder: of the study.
    """

    def __init__(self, folder: str | Path) -> None:
        """Raises UsageError, UnavailableError where the folder holds no readable study."""
        self.folder = Path(folder)
        StudyStorage.open(self.folder)

    def __repr__(self) -> str:
        record = self.record
        return f"Study({str(self.folder)!r}: {len(record.complete)} of {record.total} trials)"

    @property
    def record(self) -> StudyRecord:
        """Everything that the study knows, as plain values."""
        return StudyStorage.open(self.folder).record()

    def front(self) -> list[TrialRecord]:
        """The Pareto front within the budget, by growing parameters."""
        return self.record.front

    def trial(self, which: str | int = BEST) -> TrialRecord:
        """A trial: ``best``, ``knee``, ``confirmed``, its number, or the id of its architecture.

        Raises:
            UsageError: there is no such trial.
            InfeasibleError: nothing within the budget is complete yet.
        """
        return choose_trial(self.record, str(which))

    def trials(self) -> pd.DataFrame:
        """One row a trial, indexed by its number: what trials.csv has, with numbers as numbers."""
        import pandas as pd

        return pd.DataFrame(trials_table(self.record)).set_index("trial")

    def load(self, which: str | int = BEST, model: str | None = None) -> PreTrainedModel:
        """An ordinary transformers model with a trial's modules and head, ready to predict.

        The weights of the best are kept. Another trial is trained again first, which takes as long
        as it did, and kept in ``STUDY/models/NUMBER`` for the next time.

        Args:
            which: as in `trial`.
            model: another place of the backbone.
        """
        trial = self.trial(which)
        folder = trial_folder(self.folder, trial)
        if folder != self.folder and not (folder / "training.json").is_file():
            train(f"{self.folder}:{trial.number}", out=folder)
        return load_trained(find_trained(folder), model)[0]

    def tokenizer(self) -> Any:
        """The backbone's tokenizer."""
        return load_tokenizer(Setup.of(StudyStorage.open(self.folder).config).source)

    def resume(self, *, view: View | None = None, **changes: Any) -> Study:
        """Go on with the study, with other values for what may change (``trials=100``)."""
        stored = StudyStorage.open(self.folder)
        config = changed_config(stored, changes)
        plan = make_plan(config, stored.record().command, self.folder)
        return _run(plan, self.folder, view, None)

    def report(self) -> Path:
        """Build the report again; gives the page."""
        stored = StudyStorage.open(self.folder)
        return build(with_importance(stored.record(), stored.config.random_seed), self.folder)


def open_study(folder: str | Path) -> Study:
    """A study that exists. Raises UsageError, UnavailableError where there is none."""
    return Study(folder)


def search(
    task: str | None = None,
    *,
    out: str | Path | None = None,
    config: str | Path | None = None,
    view: View | None = None,
    ray_address: str | None = None,
    **choices: Any,
) -> Study:
    """Search architectures for a task, or go on with the study in `out`; returns when it is done.

    Args:
        task: its name; None where `config` or ``train=`` says what to train on.
        out: folder of the study; None: ``reports/TASK-MODEL-BUDGET``.
        config: a configuration file; everything else overrides it.
        view: is told what happens; None prints a line a trial.
        ray_address: a running Ray cluster.
        choices: options of ``autopelt search``, with underscores: ``budget="1%"``, ``trials=60``.

    Raises:
        UsageError: a wrong choice; all of them are named at once.
        UnavailableError: model or data are not to be had.
        InfeasibleError: nothing fits the budget, or no trial finished.
        UnexpectedEndError: the user interrupted it; the study can be resumed.
    """
    flags = choices | ({} if task is None else {"task": task})
    resolved = resolve_config(None if config is None else str(config), flags)
    words = [f"task={task!r}"] if task is not None else []
    words += [f"{key}={value!r}" for key, value in choices.items()]
    place = None if out is None else Path(out)
    plan = make_plan(resolved, f"autopelt.search({', '.join(words)})", place)
    folder = new_folder(resolved, plan.facts.task.name) if out is None else Path(out)
    return _run(plan, folder, view, ray_address)


def _run(plan: Plan, folder: Path, view: View | None, ray_address: str | None) -> Study:
    shown = LineView(Console()) if view is None else view
    for line in too_much(plan.config, plan.forecast) if ray_address is None else ():
        shown.message(line)
    try:
        told = logging_to(shown, folder, plan.config.tensorboard)
        workflows_search.search(plan, folder, told, ray_address)
    except Stopped:
        raise UnexpectedEndError(
            f"stopped; nothing is lost. Go on with: autopelt.open_study('{folder}').resume()"
        ) from None
    return Study(folder)


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
        str(study.folder if isinstance(study, Study) else study),
        architecture,
        out=out,
        epochs=epochs,
        random_seed=random_seed,
        data=data,
        force=force,
        on_start=on_start or (lambda training: None),
        on_epoch=on_epoch or (lambda training, result: None),
    )
