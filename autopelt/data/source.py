"""Where examples come from, and the splits that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from autopelt.errors import UnavailableError

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Source:
    """What a run may draw its examples from.

    Attributes:
        data: folder with tasks' files, resolved by the caller; None: the Hub.
        train_examples: train on so many examples only, drawn stratified; None: all.
        random_seed: of the cut into splits and of the draw; one per study, never one per trial.
        offline: never ask the network; the Hub's local cache still counts.
    """

    data: Path | None = None
    train_examples: int | None = None
    random_seed: int = 0
    offline: bool = False


@dataclass(frozen=True)
class Splits:
    """The raw examples of a task.

    Attributes:
        train, selection: what a search may see.
        report: held out; None unless `Task.load` was asked for it.
        facts: where the examples came from. Always there: ``origin`` (``folder``, ``files``,
            ``hub`` or ``generated``), ``source`` (one line for a person), ``sizes`` (examples by
            split), ``cut`` (a sentence on how selection was made), ``notes`` (sentences a user must
            see) and ``hash`` (SHA-256 of train and selection). Where it applies: ``path``, ``hub``,
            ``revision``.
    """

    train: Dataset
    selection: Dataset
    report: Dataset | None
    facts: dict[str, Any]


@dataclass(frozen=True)
class Found:
    """The examples of one source before they are cut into splits.

    Attributes:
        parts: reader of each part that exists: ``train``, ``selection``, ``report``. A part is read
            only when its reader is called. The column names are the task's.
        facts: ``origin`` and ``source``, and ``path`` or ``hub`` and ``revision``.
        notes: sentences on what was skipped or looks odd; readers append to it.
    """

    parts: Mapping[str, Callable[[], Dataset]]
    facts: dict[str, Any]
    notes: list[str] = field(default_factory=list)


class Origin(Protocol):
    """A place that examples come from."""

    def find(self, source: Source) -> Found:
        """Locate the examples without reading them all. Raises UnavailableError."""
        ...


def missing_column(where: str, wanted: str, present: Sequence[str]) -> UnavailableError:
    """The error for a column that is not there: names it and those that are."""
    return UnavailableError(f"{where} has no column '{wanted}'; it has: {', '.join(present)}.")
