"""Trainings beyond a search, as `confirm` and `compare` keep them: a line each, in JSON.

Reading is tolerant: what an older line does not know has its default, and what only a newer one
knows does no harm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from autopelt.errors import UnavailableError
from autopelt.system.json_lines import append, damaged, read_lines


@dataclass(frozen=True)
class Constant:
    """The best constant answer (`Task.constant`) on the report split.

    Attributes:
        score: larger is better.
        without: score without each group of examples, as `Training.without`.
    """

    score: float
    without: tuple[float, ...] = ()


@dataclass(frozen=True)
class Training:
    """One training of an architecture, and what became of it.

    Attributes:
        random_seed: of the training.
        score: on the report split, larger is better; None where it failed or was not asked for.
        selection: on the selection split, at the chosen epoch.
        epoch: that was chosen on the selection split.
        without: report score without each group of examples (`autopelt.statistics.paired`).
        reason: one line why it failed.
        constant: the best constant answer on the same examples, where the task has one.
        metrics: all scores on the report split.
        examples: of the report split.
        data: content hash of the report split.
        epochs: selection score of each epoch.
        seconds: by phase.
        finished: when, in seconds since 1970.
    """

    random_seed: int
    score: float | None
    selection: float | None = None
    epoch: int = 0
    without: tuple[float, ...] = ()
    reason: str = ""
    constant: Constant | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    examples: int = 0
    data: str = ""
    epochs: tuple[float, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    finished: float = 0.0

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Training":
        """From plain values; raises pydantic's ValidationError. Others than its own are ignored."""
        return _TRAINING.validate_python({"score": None} | dict(values))


_TRAINING = TypeAdapter(Training)
About = TypeVar("About")


@dataclass(frozen=True)
class Line(Generic[About]):
    """One line of a ledger.

    Attributes:
        about: what was trained or measured.
        training: None where nothing was trained but something measured.
        measured: what else the line holds, as plain values.
    """

    about: About
    training: Training | None
    measured: Mapping[str, Any]

    @property
    def reason(self) -> str:
        """One line why it failed, or ""."""
        return str((self.training.reason if self.training else self.measured.get("reason")) or "")


class Ledger(Generic[About]):
    """A file of lines that only grows; ``about`` is a dataclass whose fields a line begins with.

    Two lines are about the same training where `about` is equal and the random seed, too.
    """

    def __init__(self, path: Path, about: type[About]) -> None:
        self.path = path
        self._about: TypeAdapter[About] = TypeAdapter(about)
        self._named = {f.name for f in fields(about)}  # type: ignore[arg-type]  # a dataclass

    def lines(self) -> list[Line[About]]:
        """All of it; nothing where there is no file.

        Raises:
            UnavailableError: the file cannot be read, or a line of it is damaged.
        """
        lines = []
        for number, values in enumerate(read_lines(self.path), 1):
            try:
                lines.append(self.line(values))
            except ValidationError:
                raise damaged(self.path, number) from None
        return lines

    def line(self, values: Mapping[str, Any]) -> Line[About]:
        """A line from its plain values."""
        about = self._about.validate_python(values)
        if "random_seed" not in values:
            rest = {key: value for key, value in values.items() if key not in self._named}
            return Line(about, None, rest)
        return Line(about, Training.of(values), {})

    def append(self, about: About, became: Training | Mapping[str, Any]) -> None:
        """Add a line, and bring it to disk.

        Raises:
            UnavailableError: the file cannot be written.
        """
        line = self._about.dump_python(about, exclude_none=True)
        if isinstance(became, Training):
            line |= _TRAINING.dump_python(became, mode="json", exclude_defaults=True)
        else:
            line |= became
        try:
            append(self.path, line)
        except OSError as error:
            raise UnavailableError(
                f"'{self.path}' cannot be written any more ({error.strerror}); what it holds is "
                "kept. Make room, then run the same command again."
            ) from None

    def done(self, *, failed: bool) -> set[tuple[About, int]]:
        """What was trained already, with its random seed; also what `failed` where asked."""
        return {
            (line.about, line.training.random_seed)
            for line in self.lines()
            if line.training is not None and (failed or line.training.score is not None)
        }
