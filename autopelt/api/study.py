"""A study in its folder: what was found, as values, tables, figures and models.

Opening one and looking at its numbers loads neither torch nor ray; what needs them is imported
where it is asked for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopelt.api.plots import Plots
from autopelt.api.summary import summary
from autopelt.errors import UnavailableError, UsageError, parameter
from autopelt.study.lookup import BEST, choose_trial
from autopelt.study.reading import read_study
from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.study.table import COLUMNS, trials_table
from autopelt.study.there import is_trained

if TYPE_CHECKING:
    import pandas as pd

    from autopelt.views.terminal import View

FRONT = (
    *("label", "expected", "expected_sd", "trainings", "score", "share", "deployed", "trained"),
    *("learns", "seconds", "id", "architecture"),
)
"""Columns of `Study.front`, before those of measured costs."""


class Study(Plots):
    """A study in its folder. What it says is always what the folder holds now.

    Attributes:
        folder: of the study.
    """

    def __init__(self, folder: str | Path) -> None:
        """Raises UsageError, UnavailableError where the folder holds no readable study."""
        self.folder = Path(folder)
        read_study(self.folder)

    def __repr__(self) -> str:
        record = self.record
        return f"Study({str(self.folder)!r}: {len(record.complete)} of {record.total} trials)"

    def _repr_html_(self) -> str:
        return summary(self.record, self.folder)

    # ------------------------------------------------------------------ values
    @property
    def record(self) -> StudyRecord:
        """Everything that the study knows, as plain values."""
        return read_study(self.folder).record()

    @property
    def best(self) -> TrialRecord:
        """The trial with the highest expected score within the budget, as `trial` has it."""
        return self.trial(BEST)

    def trial(self, which: str | int = BEST) -> TrialRecord:
        """``best``, ``knee``, ``smallest``, ``confirmed``, a trial's number, an architecture's id.

        Raises:
            UsageError: there is no such trial.
            InfeasibleError: nothing within the budget is complete yet.
        """
        return choose_trial(self.record, str(which))

    # ------------------------------------------------------------------ tables
    def front(self) -> pd.DataFrame:
        """The architectures worth choosing between, by growing parameters, a row each.

        That is the Pareto front within the budget: none has a higher expected score with fewer
        parameters. Its members as values: ``study.record.front``.

        Returns:
            Indexed by the number of the trial that trained each first. Columns:

            - ``label``: name of a seed architecture (``lora-r8``), else "".
            - ``expected``: score that a training of it is expected to reach on the selection
              split, given all trainings, in the metric's own unit (accuracy: 0 to 1).
            - ``expected_sd``: standard deviation of that expectation, same unit; NaN: not known.
            - ``trainings``: of it, complete ones.
            - ``score``: what the trial itself reached, same unit.
            - ``share``: deployed parameters as a fraction of the backbone's: 0.01 is 1 %.
            - ``deployed``, ``trained``: parameters to ship, and to train (a prefix with a network
              trains more than it ships); without the task head.
            - ``learns``: chance, 0 to 1, that a training of it learns at all; NaN: not known.
            - ``seconds``: wall-clock time of the trial, s.
            - ``id``, ``architecture``: its id, and it in words.
            - costs that were objectives, each in its own unit (``latency``, ``memory``: times the
              bare backbone's; see docs/objectives.md).
        """
        record = self.record
        columns = [*FRONT, *record.watched]
        numbers = [t.number for t in record.front]
        return _table(record).loc[numbers, columns].astype({"learns": float, "expected_sd": float})

    def trials(self) -> pd.DataFrame:
        """One row a trial, indexed by its number: what trials.csv has, with numbers as numbers.

        Beside the columns of `front` there are ``state``, ``origin``, ``scores`` and ``losses``
        (of each epoch), ``started`` and ``finished`` (Unix time, s), ``seconds_train`` and so on
        (s, by phase), ``metric_f1`` and so on (all scores of the best epoch), ``reason``.
        """
        return _table(self.record)

    # ------------------------------------------------------------------ models
    def load(self, which: str | int = BEST, model: Any = None, **own: Any) -> Any:
        """An ordinary transformers model with a trial's modules and head, ready to predict.

        The weights of the best are kept. Another trial is trained again first, which takes as long
        as it did, and kept in ``STUDY/models/NUMBER`` for the next time.

        Args:
            which: as in `trial`.
            model: another place of the backbone. Of a study that a function of yours trained: the
                model object that was searched, or one like it; a copy of it is given back.
            own: ``backbone`` and ``trainable``, as `autopelt.search` was given them.

        Raises:
            UsageError, InfeasibleError: as `trial`.
            UnavailableError: the model or the weights are not to be had.
        """
        if callable(model):
            from autopelt.training.own_model import OwnModel

            return OwnModel(model, **own).load(self._weights(self.trial(which)))
        from autopelt.export import find_trained, load_trained
        from autopelt.export.trained import trial_folder
        from autopelt.workflows.train import train_trial

        trial = self.trial(which)
        folder = trial_folder(self.folder, trial)
        if folder != self.folder and not is_trained(folder):
            train_trial(f"{self.folder}:{trial.number}", folder)
        return load_trained(find_trained(folder), model)[0]

    def export(
        self, to: str, out: str | Path, which: str | int = BEST, model: Any = None, **own: Any
    ) -> Path:
        """Write a trial in another format, as ``autopelt export`` does.

        Args:
            to: ``autopelt``, ``peft``, ``adapters``, ``merged``, ``gguf-ready``; or of a study its
                trials as ``csv`` or ``parquet``, or a ``script`` that trains one.
            out: folder or file to make; it must not exist.
            which, model, own: as in `load`. With a model object, ``peft`` only.

        Returns:
            What was made.

        Raises:
            UsageError: an unknown format, or one that cannot say what is attached; `out` is there.
            UnavailableError: the model or the weights are not to be had.
        """
        from autopelt.export import export, peft_folder
        from autopelt.export.study import TARGETS as OF_A_STUDY
        from autopelt.export.study import export_study
        from autopelt.system.files import new_folder

        if to in ("csv", "parquet"):
            return export_study(str(self.folder), to, Path(out))
        trial = self.trial(which)
        place = f"{self.folder}:{trial.number}"
        if not callable(model):
            if to in OF_A_STUDY:
                return export_study(place, to, Path(out))
            return export(place, to, out, model)
        if to != "peft":
            raise UsageError(
                f"{parameter('to', to)}: of a model object 'peft' is written only; load it, and "
                "keep it with autopelt.save(model, folder)."
            )
        from autopelt.training.own_model import OwnModel

        found = OwnModel(model, **own)
        made = found.load(self._weights(trial))
        if found.place:
            raise UsageError(
                f"peft cannot say what is around '{found.place}' in a {found.name}; load it and "
                "keep it with torch."
            )
        with new_folder(Path(out)) as folder:
            peft_folder.write_attached(found.backbone(made), folder, found.origin)
        return Path(out)

    def _weights(self, trial: TrialRecord) -> Path:
        """Where the weights of a trial are: only the best's are kept when a search has ended."""
        held = self.folder / "best" / "metrics.json"
        kept = json.loads(held.read_text("utf-8"))["trial"] if held.is_file() else None
        if kept in [t.number for t in self.record.trainings_of(trial)]:
            return held.parent
        raise UnavailableError(
            f"the weights of trial {trial.number} were not kept, only those of the best "
            f"(trial {kept}); attach it and train it: "
            f"autopelt.attach(model, study.trial({trial.number}).architecture)."
        )

    def tokenizer(self) -> Any:
        """The backbone's tokenizer."""
        from autopelt.backbones.load import load_tokenizer
        from autopelt.training.spec import Setup

        return load_tokenizer(Setup.of(read_study(self.folder).config).source)

    # ------------------------------------------------------------------ going on
    def resume(self, *, view: View | None = None, **changes: Any) -> Study:
        """Go on with the study, with other values for what may change (``trials=100``)."""
        from autopelt.api.running import run
        from autopelt.study.storage import StudyStorage
        from autopelt.workflows.plan import make_plan
        from autopelt.workflows.settings import changed_config

        stored = StudyStorage.open(self.folder)
        config = changed_config(stored, changes)
        plan = make_plan(config, stored.record().command, self.folder)
        run(plan, self.folder, view)
        return self

    def report(self) -> Path:
        """Build the report again; gives the page."""
        from autopelt.report import build
        from autopelt.study.importance import with_importance

        stored = read_study(self.folder)
        return build(with_importance(stored.record(), stored.config.random_seed), self.folder)


def open_study(folder: str | Path) -> Study:
    """A study that exists, also while it runs.

    Raises:
        UsageError: the folder is not a study; UnavailableError: its database cannot be read.
    """
    return Study(folder)


def _table(record: StudyRecord) -> pd.DataFrame:
    import pandas as pd

    rows = trials_table(record)
    return pd.DataFrame(rows, columns=None if rows else COLUMNS).set_index("trial")
