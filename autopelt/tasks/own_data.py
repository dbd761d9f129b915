"""Examples from files or a Hub set that the user named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autopelt.data.readers import Table
from autopelt.data.sanity import check
from autopelt.data.source import GROUP, DataFacts, Parts, Source
from autopelt.errors import UnavailableError
from autopelt.tasks.columns import absent, as_written, in_words, some
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

        notes = list(dict.fromkeys(self.notes))

        def reader(part: str) -> Callable[[], Dataset]:
            def read() -> Dataset:
                found = self.dataset(part, self.tables[part]())
                notes.extend(n for n in dict.fromkeys(self.notes) if n not in notes)
                return found

            return read

        return Parts({part: reader(part) for part in self.tables}, self.facts, notes)

    def dataset(self, part: str, table: Table) -> Dataset:
        """The examples of one part. Raises UnavailableError."""
        from datasets import Dataset

        columns = KINDS[self.kind].raw(table, self.named)
        check(table, columns)
        self.notes += table.notes
        names = KINDS[self.kind].classes_in(columns)
        if part == "train":
            self.known = {name for inside in names for name in inside}
        for row, inside in enumerate(names):
            for name in inside:
                if name not in self.known:
                    raise self._unknown(table, row, name, part)
        if column := self.named.get(GROUP):
            columns = {**columns, GROUP: _groups(table, column, len(next(iter(columns.values()))))}
        return Dataset.from_dict(columns)

    def _unknown(self, table: Table, row: int, name: str, part: str) -> UnavailableError:
        """The error for a class that train does not have."""
        if name == "-1" and self.facts.hub:
            return UnavailableError(
                f"{table.where(row)} of its {part} split hides its label (-1); download the set "
                "and give the files that have labels."
            )
        return UnavailableError(
            f"{table.where(row)} has the label '{name}', which no training example has; those "
            f"have: {some(sorted(self.known))}."
        )


def _groups(table: Table, column: str, examples: int) -> list[str]:
    """The group of each example; "none" where nothing stands there.

    Raises:
        UnavailableError: there is no such column, it has no text or number, or a row of the table
            is not an example.
    """
    table.require([column])
    if len(table) != examples:
        raise UnavailableError(
            f"'{table.name}' has {len(table)} rows for {examples} examples, so '{column}' is no "
            "group of examples; write a row for each example, or leave the group out."
        )
    groups = []
    for row, value in enumerate(table.column(column)):
        if isinstance(value, list | dict):
            raise UnavailableError(
                f"{table.where(row)} has {in_words(value)} in column '{column}', where a text or "
                "a number is needed to group examples by."
            )
        groups.append("none" if absent(value) else " ".join(as_written(value).split()) or "none")
    return groups
