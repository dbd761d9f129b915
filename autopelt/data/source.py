"""Where examples come from, and the splits that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from autopelt.data.draw import RULE
from autopelt.data.recorded import Recorded
from autopelt.errors import UnavailableError

if TYPE_CHECKING:
    from datasets import Dataset

GROUP = "group"
"""Column of raw and encoded examples with the group that each is scored in; the user names it.

It says nothing of the example itself: no model reads it, and `content_hash` leaves it out.
"""


PLACE = "path"
"""Column of raw and encoded examples with the file that each is; `content_hash` leaves it out."""


@dataclass(frozen=True)
class Source:
    """What a run may draw its examples from.

    Attributes:
        data: folder with tasks' files, resolved by the caller; None: the Hub.
        train_examples, selection_examples, report_examples: use so many of a split only, drawn
            stratified; None: all.
        random_seed: of the cut into splits and of the draw; one per study, never one per trial.
        offline: never ask the network; the Hub's local cache still counts.
    """

    data: Path | None = None
    train_examples: int | None = None
    selection_examples: int | None = None
    report_examples: int | None = None
    random_seed: int = 0
    offline: bool = False


@dataclass(frozen=True)
class DataFacts:
    """Where the examples of a task came from, and what became of them.

    Attributes:
        origin: ``folder``, ``files``, ``hub`` or ``generated``.
        source: the same in one line for a person.
        path: of the folder or file. hub, revision: name of the Hub's set and its commit.
        cut: a sentence on how the splits were made.
        hash: SHA-256 of train and selection. report_hash: of report, "" where it is not known.
        sizes: examples by split, as far as they are known.
        read: examples of all parts that were read.
        cut_splits: the splits that are cut or drawn, and not a part of their own.
        notes: sentences that a user must see.
    """

    origin: str
    source: str
    path: str = ""
    hub: str = ""
    revision: str = ""
    cut: str = ""
    hash: str = ""
    report_hash: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    read: int = 0
    cut_splits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of_hub(cls, name: str, shown: str, commit: str) -> DataFacts:
        """Of a set of the Hub; `shown` also says which part of it."""
        return cls("hub", f"Hub {shown} at {commit[:12]}", hub=name, revision=commit)

    @property
    def recorded(self) -> Recorded:
        """The splits, to tell later whether they are still there."""
        return Recorded(self.hash, self.report_hash, RULE, **self.sizes, cut_splits=self.cut_splits)

    def stored(self) -> dict[str, Any]:
        """What a study keeps of them: the sizes by their splits' names, no notes."""
        texts = {name: value for name, value in vars(self).items() if isinstance(value, str)}
        return {**self.sizes, "rule": RULE, **{name: text for name, text in texts.items() if text}}


@dataclass(frozen=True)
class Splits:
    """The raw examples of a task.

    Attributes:
        train, selection: what a search may see.
        report: held out; None unless `Task.load` was asked for it.
    """

    train: Dataset
    selection: Dataset
    report: Dataset | None
    facts: DataFacts


@dataclass(frozen=True)
class Parts:
    """The examples of one source before they are cut into splits.

    Attributes:
        readers: of each part that exists: ``train``, ``selection``, ``report``. A part is read
            only when its reader is called. The column names are the task's.
        facts: without what only the cut can tell.
        notes: sentences on what was skipped or looks odd; readers append to it.
    """

    readers: Mapping[str, Callable[[], Dataset]]
    facts: DataFacts
    notes: list[str] = field(default_factory=list)


class Origin(Protocol):
    """A place that examples come from."""

    def find(self, source: Source) -> Parts:
        """Locate the examples without reading them all. Raises UnavailableError."""
        ...


def missing_column(where: str, wanted: str, present: Sequence[str]) -> UnavailableError:
    """The error for a column that is not there: names it and those that are."""
    return UnavailableError(f"{where} has no column '{wanted}'; it has: {', '.join(present)}.")
