"""Which examples a study or a training was made with, and whether these are still there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autopelt.errors import UnavailableError

SEARCHED, REPORT = ("train", "selection"), ("report",)


@dataclass(frozen=True)
class Recorded:
    """The splits that a study or a training recorded, or those of the data as it is now.

    Attributes:
        hash: of train and selection, report_hash: of report (`autopelt.data.splits.content_hash`);
            "" where it is not known.
        rule: by which splits were cut (`autopelt.data.draw.RULE`).
        train, selection, report: examples; None where they are not known.
        cut_splits: those that are no part of their own, as far as it is known.
    """

    hash: str = ""
    report_hash: str = ""
    rule: int = 1
    train: int | None = None
    selection: int | None = None
    report: int | None = None
    cut_splits: tuple[str, ...] = ()

    def check(self, task: str, now: Recorded, splits: Sequence[str]) -> None:
        """Refuse other examples than those that were recorded.

        Args:
            task: its name.
            now: the data as it is.
            splits: the ones that are about to be used.

        Raises:
            UnavailableError: says how many examples there were and are.
        """
        if self.rule != now.rule and set(splits) & set(now.cut_splits):
            raise UnavailableError(
                f"the splits of task '{task}' were cut by another rule (number {self.rule}; number "
                f"{now.rule} goes by a hash of each text), and this version of autopelt does not "
                "make the same; search again, or use the version of then."
            )
        changed: list[str] = []
        if set(SEARCHED) & set(splits) and self.hash not in ("", now.hash):
            changed += self._differences(SEARCHED, now)
        if set(REPORT) & set(splits) and "" != self.report_hash != now.report_hash != "":
            changed += self._differences(REPORT, now)
        if changed:
            raise UnavailableError(
                f"the data of task '{task}' is not what was recorded: "
                f"{', '.join(changed)}; put the data back, or search again with the new."
            )

    def _differences(self, splits: Sequence[str], now: Recorded) -> list[str]:
        """What differs in splits of one hash, which does not tell in which of them it does."""
        sizes = [(split, getattr(self, split), getattr(now, split)) for split in splits]
        other = [
            f"{split} {before} examples before, {after} now"
            for split, before, after in sizes
            if before not in (None, after)
        ]
        same = " and ".join(f"{split} {after}" for split, _, after in sizes)
        return other or [f"{same} examples as before, but not all the same"]
