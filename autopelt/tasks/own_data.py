"""Examples from files or a Hub set that the user named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autopelt.data.readers import Table
from autopelt.data.source import DataFacts, Parts, Source
from autopelt.errors import UnavailableError
from autopelt.tasks.kinds import KINDS

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass
class OwnData:
    """Examples from tables, checked by what a kind of task needs.

    Attributes:
        kind: of the task.
        named: which columns to use, as in `Task.raw`.
        tables: reader of each part; a table that was read stays in memory until it is used.
        facts: where they come from.
        notes: what was decided for the user.
        known: labels of train, once it was read.
    """

    kind: str
    named: Mapping[str, str]
    tables: Mapping[str, Callable[[], Table]]
    facts: DataFacts
    notes: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    def find(self, source: Source) -> Parts:
        """Readers that check every example. Raises UnavailableError when one is called."""

        def reader(part: str) -> Callable[[], Dataset]:
            return lambda: self.dataset(part, self.tables[part]())

        return Parts({part: reader(part) for part in self.tables}, self.facts, list(self.notes))

    def dataset(self, part: str, table: Table) -> Dataset:
        """The examples of one part. Raises UnavailableError."""
        from datasets import Dataset

        columns = KINDS[self.kind].raw(table, self.named)
        if self.kind == "classification":
            if part == "train":
                self.known = set(columns["label"])
            for row, label in enumerate(columns["label"]):
                if label in self.known:
                    continue
                if label == "-1" and self.facts.hub:
                    raise UnavailableError(
                        f"{table.where(row)} of its {part} split hides its label (-1); download "
                        "the set and give the files that have labels."
                    )
                raise UnavailableError(
                    f"{table.where(row)} has the label '{label}', which no training example "
                    f"has; those have: {', '.join(sorted(self.known))}."
                )
        return Dataset.from_dict(columns)
