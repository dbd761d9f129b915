"""What is stored of a study, as plain values; its own file is read without Optuna.

Loading Optuna and what its database needs takes half a second. Who only looks at a study
(`reading`) reads the tables of `study.db` as they are.
"""

import json
import math
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.errors import UnavailableError, UsageError, command
from autopelt.study.config import CONFIG, DATABASE, StudyConfig
from autopelt.study.confirmation import confirmations, ledger
from autopelt.study.facts import StudyFacts
from autopelt.study.places import found_again
from autopelt.study.record import (
    COMPLETE,
    FAILED,
    RUNNING,
    STOPPED,
    Belief,
    StudyRecord,
    TrialRecord,
)
from autopelt.system.files import last_line
from autopelt.system.lock import holders, working_process

FACTS, CONFIGURATION = "autopelt", "autopelt_config"
BELIEFS, CONFIRMED = "autopelt_beliefs", "autopelt_confirmed"
"""Attributes of the Optuna study."""

WAIT = 60
"""Seconds for which another program may hold the database."""

_STATES = {"COMPLETE": COMPLETE, "FAIL": FAILED, "RUNNING": RUNNING, "PRUNED": STOPPED}
"""State of a trial, as Optuna calls it -> as a record does."""


@dataclass(frozen=True)
class Row:
    """A trial as Optuna stores it: its number, the name of its state, its attributes."""

    number: int
    state: str
    attributes: Mapping[str, Any]


class Stored(ABC):
    """A study that can be read.

    Attributes:
        folder, config, facts: of the study.
    """

    def __init__(self, folder: Path, config: StudyConfig, facts: StudyFacts) -> None:
        self.folder, self.config, self.facts = folder, config, facts
        self._ended: dict[int, TrialRecord] = {}

    @property
    @abstractmethod
    def attributes_of_all(self) -> Mapping[str, Any]:
        """Attributes of the study itself."""

    @abstractmethod
    def rows(self) -> Iterable[Row]:
        """Its trials by number."""

    def process(self) -> int | None:
        """Number of the process that works on the study now, None if none does."""
        return working_process(self.folder)

    def record(self) -> StudyRecord:
        """The study as plain values."""
        attributes = self.attributes_of_all
        expected = {key: b.mean for key, b in beliefs(attributes.get(CONFIRMED)).items()}
        confirmed = confirmations(ledger(self.folder).lines(), expected)
        again = {c.trial: tuple(s.score for s in c.scored) for c in confirmed}
        trials = []
        for row in self.rows():
            trial = self._trial_record(row)
            if trial is not None:
                folder = self.folder / "trials" / str(trial.number)
                log = last_line(folder / "log.txt") if trial.state == FAILED else ""
                trials.append(replace(trial, confirmed=again.get(trial.number, ()), log=log))
        return StudyRecord(
            name=self.folder.name,
            config=self.config,
            trials=tuple(trials),
            total=self.config.trials,
            confirmed=confirmed,
            beliefs=beliefs(attributes.get(BELIEFS)),
            **{key: value for key, value in self.facts if key not in ("version", "folders")},
        )

    def _trial_record(self, trial: Row) -> TrialRecord | None:
        """A trial as plain values; one that has ended does not change, and is read once."""
        if trial.number not in self._ended:
            try:
                record = _trial_record(trial, self.facts.backbone.parameters)
            except (UsageError, KeyError, TypeError, ValueError) as error:
                raise unreadable(
                    self.folder, f"trial {trial.number}: {type(error).__name__} {error}"
                ) from None
            if record is None or record.state == RUNNING:
                return record
            self._ended[trial.number] = record
        return self._ended[trial.number]


class _File(Stored):
    """A study in its own file, as it was when it was read."""

    def __init__(
        self, folder: Path, config: StudyConfig, attributes: Mapping[str, Any], rows: list[Row]
    ) -> None:
        facts = StudyFacts.model_validate_json(attributes[FACTS])
        super().__init__(folder, found_again(config, facts, folder), facts)
        self._attributes, self._rows = attributes, rows

    @property
    def attributes_of_all(self) -> Mapping[str, Any]:
        """As they were."""
        return self._attributes

    def rows(self) -> list[Row]:
        """As they were."""
        return self._rows


def read_file(folder: Path, config: StudyConfig) -> Stored:
    """A study whose trials lie in its folder, to look at.

    Raises:
        UnavailableError: its database cannot be read.
    """
    check_database(folder)
    try:
        with closing(sqlite3.connect((folder / DATABASE).absolute(), timeout=WAIT)) as database:
            return _File(folder, config, *_tables(database))
    except (sqlite3.Error, KeyError, ValueError) as error:
        raise unreadable(folder, str(error).splitlines()[0]) from None


def _tables(database: sqlite3.Connection) -> tuple[dict[str, Any], list[Row]]:
    """Attributes of the study, and its trials, in one view of the file."""
    database.execute("BEGIN")
    of_study = database.execute("SELECT key, value_json FROM study_user_attributes")
    attributes = {key: json.loads(text) for key, text in of_study}
    of_trials: dict[int, dict[str, Any]] = {}
    query = "SELECT trial_id, key, value_json FROM trial_user_attributes"
    for trial, key, text in database.execute(query):
        of_trials.setdefault(trial, {})[key] = json.loads(text)
    trials = database.execute("SELECT trial_id, number, state FROM trials ORDER BY number")
    return attributes, [Row(n, state, of_trials.get(id, {})) for id, n, state in trials]


def check_database(folder: Path) -> None:
    """Look at the whole file before anything may write to it.

    Raises:
        UnavailableError: it is missing or damaged, or another program holds it.
    """
    path = folder / DATABASE
    if not path.is_file() or not path.stat().st_size:
        raise unreadable(folder, "it is missing or empty")
    try:
        # In full, as SQLite takes a name that begins with "file:" for an address.
        with closing(sqlite3.connect(path.absolute(), timeout=WAIT)) as connection:
            (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            studies = connection.execute("SELECT count(*) FROM studies").fetchone()[0]
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (name,) in tables.fetchall():  # all text in it must be text
                for _ in connection.execute(f'SELECT * FROM "{name}"'):  # noqa: S608
                    pass
    except (sqlite3.Error, UnicodeError) as error:
        if "locked" not in str(error):
            raise unreadable(folder, str(error)) from None
        raise UnavailableError(
            f"study '{folder}' cannot be opened; it is whole. {held(folder)}, then run the same "
            "command again."
        ) from None
    if said != "ok" or studies != 1:
        raise unreadable(folder, f"{studies} studies in it" if said == "ok" else said.strip())


def unreadable(folder: Path, why: str) -> UnavailableError:
    """The error for a database in a study's folder that cannot be read, with the way out."""
    return UnavailableError(
        f"'{folder / DATABASE}' cannot be read ({' '.join(why.split())}); restore it from a copy, "
        f"or search again: {command('search', config=str(folder / CONFIG), out='NEW')}"
    )


def held(folder: Path) -> str:
    """Who has held a database for so long that nobody else could use it, and what to do."""
    who = ", ".join(holders(folder / DATABASE)) or "another program"
    return f"For {WAIT} s {who} held {DATABASE}: end that"


_PLAIN = {f.name for f in fields(TrialRecord)} - {"number", "architecture", "count", "state"}


def _trial_record(trial: Row, backbone: int) -> TrialRecord | None:
    known = trial.attributes
    if "architecture" not in known or trial.state not in _STATES:
        return None
    plain: dict[str, Any] = {name: known[name] for name in _PLAIN if name in known}
    for name in ("scores", "losses", "without"):
        plain[name] = tuple(plain.get(name, ()))
    return TrialRecord(
        number=trial.number,
        architecture=Architecture.from_json(known["architecture"]),
        count=Count(known["trained"], known["deployed"], backbone),
        state=_STATES[trial.state],
        **plain,
    )


def beliefs(kept: Any) -> dict[str, Belief]:
    """What `StudyStorage.believe` kept; nothing where it cannot be read: it can be worked out."""

    def number(value: float | None) -> float:
        return math.nan if value is None else float(value)

    try:
        return {
            id: Belief(float(mean), number(sd), number(learns), int(trainings))
            for id, (mean, sd, learns, trainings) in json.loads(kept).items()
        }
    except (AttributeError, TypeError, ValueError):
        return {}


def load_config(folder: Path) -> StudyConfig:
    """Of a study's folder. Raises UsageError with the way out where it is damaged."""
    try:
        return StudyConfig.load(folder / CONFIG)
    except UsageError as error:
        raise UsageError(
            f"{str(error).rstrip('.')}; put it right, or delete it: {DATABASE} has a copy."
        ) from None
