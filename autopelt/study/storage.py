"""A study on disk: its folder, its Optuna study, its lock. Only the driver writes it.

The folder holds everything of a study::

    config.yaml   the resolved configuration; `autopelt search --config` runs it again
    study.db      the Optuna study; `optuna-dashboard sqlite:///study.db` opens it
    index.html    the report
    trials.csv    the table of trials
    warm_start.json  what was taken from another study, if anything was
    confirmed.jsonl  trainings of the confirmation, one a line; no trials of the search
    best/         the best architecture within the budget: architecture, weights, metrics
    trials/N/     log.txt: what trial N printed, if it did; while a search runs, the weights of
                  contenders for best/

State is Optuna's: each trial's architecture, counts, scores and reason are attributes of its trial,
written before anything else hears of them. A trial that was running when the process died is
simply run again under its own number.
"""

import json
import math
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from autopelt.errors import UnavailableError, UsageError, parameter
from autopelt.study.config import CONFIG, DATABASE, StudyConfig
from autopelt.study.database import WARM_START, claim, quiet_optuna, storage_at
from autopelt.study.facts import StudyFacts
from autopelt.study.places import found_again, here, require_places
from autopelt.study.record import Belief
from autopelt.study.stored import (
    BELIEFS,
    CONFIGURATION,
    CONFIRMED,
    FACTS,
    Row,
    Stored,
    check_database,
    load_config,
    unreadable,
)
from autopelt.study.there import require_study
from autopelt.system.clock import now
from autopelt.system.files import write_text


class StudyStorage(Stored):
    """An open study. Use `create` or `open`."""

    def __init__(
        self, folder: Path, config: StudyConfig, facts: StudyFacts, optuna_study: optuna.Study
    ) -> None:
        super().__init__(folder, config, facts)
        self.optuna = optuna_study

    # ------------------------------------------------------------------ create, open
    @classmethod
    def create(
        cls,
        folder: Path,
        config: StudyConfig,
        facts: StudyFacts,
        sampler: optuna.samplers.BaseSampler,
        warm_start: str | None = None,
    ) -> "StudyStorage":
        """Make the folder and the Optuna study.

        Args:
            folder: new, or empty.
            config: resolved configuration.
            facts: what is known of the study when it begins.
            sampler: proposes; not stored.
            warm_start: what is kept of another study (`autopelt.workflows.warm_start`).

        Raises:
            UsageError: the folder holds something else, or cannot be written.
        """
        claim(folder)
        facts = facts.model_copy(update={"folders": here(folder)})
        if warm_start is not None:
            write_text(folder / WARM_START, warm_start)
        with quiet_optuna():
            try:
                optuna_study = optuna.create_study(
                    study_name=folder.name,
                    storage=storage_at(folder, config.storage),
                    directions=config.objectives.directions,
                    sampler=sampler,
                )
            except optuna.exceptions.DuplicatedStudyError:
                raise UsageError(
                    f"{config.storage} has a study '{folder.name}' already; give another "
                    f"{parameter('out')}."
                ) from None
            if len(optuna_study.directions) > 1:
                optuna_study.set_metric_names(list(config.objectives.names))
            optuna_study.set_user_attr(FACTS, facts.model_dump_json(exclude_none=True))
            optuna_study.set_user_attr(CONFIGURATION, config.model_dump_json())
        # Last: a folder with a configuration is a study that can be opened.
        write_text(folder / CONFIG, _header(folder) + config.to_yaml())
        return cls(folder, config, facts, optuna_study)

    @classmethod
    def open(
        cls, folder: Path, sampler: optuna.samplers.BaseSampler | None = None
    ) -> "StudyStorage":
        """Open a study that exists.

        Raises:
            UsageError: the folder is not a study.
            UnavailableError: its database cannot be read.
        """
        require_study(folder)
        config = load_config(folder) if (folder / CONFIG).is_file() else None
        url = None if config is None else config.storage
        if url is None:
            check_database(folder)
        try:
            with quiet_optuna():
                loaded = optuna.load_study(
                    study_name=None if url is None else folder.name,
                    storage=storage_at(folder, url),
                    sampler=sampler,
                )
                facts = StudyFacts.model_validate_json(loaded.user_attrs[FACTS])
                if config is None:  # deleted; the database knows it as well
                    config = StudyConfig.build(
                        json.loads(loaded.user_attrs[CONFIGURATION]), DATABASE
                    )
                    write_text(folder / CONFIG, _header(folder) + config.to_yaml())
        except (SQLAlchemyError, KeyError, ValueError, RuntimeError) as error:
            line = str(getattr(error, "orig", None) or error).splitlines()[0]
            if url is not None:
                raise UnavailableError(
                    f"study '{folder.name}' cannot be read from {url} ({line}); a study keeps the "
                    "name that its folder had when it began."
                ) from None
            raise unreadable(folder, line) from None
        return cls(folder, found_again(config, facts, folder), facts, loaded)

    def begun_with(self) -> StudyConfig:
        """The configuration of the study's first trials, whatever config.yaml says by now."""
        stored = self.optuna.user_attrs.get(CONFIGURATION)
        return self.config if stored is None else StudyConfig.build(json.loads(stored), DATABASE)

    def require_places(self, *other: str) -> None:
        """Refuse to go on without a file that the study needs, but for `other` (`places`)."""
        require_places(self.config, self.facts, self.folder, other)

    def goes_on(self, config: StudyConfig) -> None:
        """Keep with what it goes on, and in which folder, from which its files are found again."""
        self.config = config
        path = self.folder / CONFIG
        header = path.read_text("utf-8").split("\n", 1)[0]
        write_text(path, f"{header}\n{config.to_yaml()}")
        new = [place for place in here(self.folder) if place not in self.facts.folders]
        if new:
            folders = (*self.facts.folders, *new)
            self.facts = self.facts.model_copy(update={"folders": folders})
            with quiet_optuna():
                self.optuna.set_user_attr(FACTS, self.facts.model_dump_json(exclude_none=True))

    # ------------------------------------------------------------------ writing
    def add(
        self,
        attributes: Mapping[str, Any],
        params: Mapping[str, Any],
        distributions: Mapping[str, BaseDistribution],
    ) -> int:
        """Start a trial whose architecture is known: written at once, running. Gives its number."""
        with quiet_optuna():
            self.optuna.add_trial(
                optuna.trial.create_trial(
                    state=TrialState.RUNNING,
                    params=dict(params),
                    distributions=dict(distributions),
                    user_attrs=dict(attributes),
                )
            )
            return len(self.trials()) - 1

    def ask(self) -> optuna.Trial:
        """Start a trial that the sampler will fill."""
        with quiet_optuna():
            return self.optuna.ask()

    def trial(self, number: int) -> optuna.Trial:
        """A running trial, to go on with."""
        return optuna.trial.Trial(self.optuna, self._frozen(number)._trial_id)

    def write(self, number: int, **attributes: Any) -> None:
        """Set attributes of a running trial.

        Through the storage: an `optuna.Trial` made for this would sample anew.
        """
        trial = self._frozen(number)._trial_id
        for key, value in attributes.items():
            self.optuna._storage.set_trial_user_attr(trial, key, value)

    def attributes(self, number: int) -> dict[str, Any]:
        """What is written of a trial, also what its record leaves out."""
        return dict(self._frozen(number).user_attrs)

    def progressed(self, number: int, score: float, loss: float) -> None:
        """Add an epoch's score, and its loss where there is one, to a running trial."""
        attributes = self._frozen(number).user_attrs
        losses = [] if math.isnan(loss) else [loss]
        self.write(
            number,
            scores=[*attributes.get("scores", []), score],
            losses=[*attributes.get("losses", []), *losses],
        )

    def complete(self, number: int, score: float, deployed: int) -> None:
        """End a trial with its score; measured costs are in its attribute ``costs``."""
        trial = self._frozen(number)
        values = {"score": score, "params": float(deployed), **trial.user_attrs.get("costs", {})}
        wanted = [values[name] for name in self.config.objectives.names]
        with quiet_optuna():
            self.write(number, score=score, finished=now())
            # For optuna-dashboard. Not of stopped trials: with several objectives, TPE cannot
            # compare pruned trials that have such values.
            for epoch, value in enumerate(trial.user_attrs.get("scores", ()), start=1):
                self.optuna._storage.set_trial_intermediate_value(trial._trial_id, epoch, value)
            self.optuna.tell(number, wanted)

    def fail(self, number: int, reason: str) -> None:
        """End a trial without a score."""
        with quiet_optuna():
            self.write(number, reason=reason, finished=now())
            self.optuna.tell(number, state=TrialState.FAIL)

    def stop(self, number: int, because: str) -> None:
        """End a trial early; its scores so far stay, its score is none.

        Optuna calls that pruned, and refuses `trial.report` in studies of two objectives, but takes
        a pruned trial without a value.
        """
        with quiet_optuna():
            self.write(number, stopped_because=because, finished=now())
            self.optuna.tell(number, state=TrialState.PRUNED)

    def believe(self, beliefs: Mapping[str, Belief], *, confirmed: bool = False) -> None:
        """Keep what is believed of the architectures now, by id, instead of what was.

        Args:
            beliefs: from the trainings of the search.
            confirmed: from those of the confirmation as well, which is kept apart.
        """
        kept = {  # JSON knows no NaN
            id: [None if math.isnan(v) else v for v in astuple(belief)]
            for id, belief in beliefs.items()
        }
        with quiet_optuna():
            key = CONFIRMED if confirmed else BELIEFS
            self.optuna.set_user_attr(key, json.dumps(kept, allow_nan=False))

    def trials(self) -> list[FrozenTrial]:
        """All trials as Optuna has them; not to be changed."""
        return self.optuna.get_trials(deepcopy=False)

    def _frozen(self, number: int) -> FrozenTrial:
        return self.trials()[number]

    # ------------------------------------------------------------------ reading
    @property
    def attributes_of_all(self) -> Mapping[str, Any]:
        """Of the Optuna study."""
        return self.optuna.user_attrs

    def rows(self) -> Iterator[Row]:
        """Of the Optuna study."""
        return (Row(t.number, t.state.name, t.user_attrs) for t in self.trials())

    def running(self) -> list[FrozenTrial]:
        """Trials that have begun and not ended; after a kill these are to be run again."""
        return [t for t in self.trials() if t.state == TrialState.RUNNING]


def _header(folder: Path) -> str:
    again = f"reports/{folder.name}-again" if folder.name.isprintable() else "NEW"
    return f"# autopelt search --config {CONFIG} --out {shlex.quote(again)}\n"
