"""Which examples a study or a training was made with, and whether these are still there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopelt.data.draw import RULE
from autopelt.errors import UnavailableError

if TYPE_CHECKING:
    from autopelt.data.source import DataFacts

SEARCHED, REPORT = ("train", "selection"), ("report",)


@dataclass(frozen=True)
class Recorded:
    """The splits that a study or a training recorded.

    Attributes:
        hash: of train and selection, report_hash: of report (`autopelt.data.splits.content_hash`);
            "" where it was not known.
        rule: by which splits were cut (`autopelt.data.draw.RULE`).
        train, selection, report: examples; None where they were not known.
    """

    hash: str = ""
    report_hash: str = ""
    rule: int = 1
    train: int | None = None
    selection: int | None = None
    report: int | None = None

    @classmethod
    def of(cls, facts: DataFacts) -> Recorded:
        """Of splits that were just made."""
        return cls(facts.hash, facts.report_hash, RULE, **facts.sizes)

    def check(self, task: str, now: DataFacts, splits: Sequence[str]) -> None:
        """Refuse other examples than those that were recorded.

        Args:
            task: its name.
            now: of the data as it is.
            splits: the ones that are about to be used.

        Raises:
            UnavailableError: says how many examples there were and are.
        """
        searched, report = set(SEARCHED) & set(splits), set(REPORT) & set(splits)
        changed: list[str] = []
        if searched and self.hash and self.hash != now.hash:
            changed += SEARCHED
        if report and self.report_hash and now.report_hash not in ("", self.report_hash):
            changed += REPORT
        if self.rule != RULE and set(splits) & set(now.cut_splits):
            raise UnavailableError(
                f"the splits of task '{task}' were cut by another rule (number {self.rule}, now "
                f"{RULE}: by a hash of each text) and cannot be made again by this version of "
                "autopelt; search again, or use the version of then."
            )
        if changed:
            raise UnavailableError(
                f"the data of task '{task}' is not what was recorded: "
                f"{', '.join(self._difference(split, now) for split in changed)}; put the data "
                "back, or search again with the new."
            )

    def _difference(self, split: str, now: DataFacts) -> str:
        before, after = getattr(self, split), now.sizes.get(split)
        if before is None or before == after:
            return f"{split} {after} examples as before, but not the same"
        return f"{split} {before} examples before, {after} now"
