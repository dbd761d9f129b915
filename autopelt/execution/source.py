"""What a driver and the runner of its trials say to each other."""

from dataclasses import dataclass
from typing import Any, Protocol

from autopelt.training.spec import TrialSpec


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: `failed` or `stopped` early, each a reason in one line, or neither.

    With `lost` it failed as its machine has left the cluster; the source may give it out again.
    """

    failed: str = ""
    stopped: str = ""
    lost: bool = False


class TrialSource(Protocol):
    """Who knows what to train; called in the driver's process only."""

    def next(self) -> TrialSpec | None:
        """The next training, or None when there is nothing more to start.

        After None it is asked again only when a trial was lost.
        """

    def doing(self, number: int, text: str) -> None:
        """What a trial is busy with before its first epoch has ended, in words."""

    def progressed(self, number: int, result: dict[str, Any]) -> None:
        """An epoch of a trial ended; `result` has the fields of `EpochResult` and the worker."""

    def stops(self, number: int) -> str:
        """Why a trial is to be stopped now, in one line, or "" to let it go on.

        Asked after each epoch but the last, when `progressed` has been told of it. A trial that
        shares its batch with others is never stopped, and never asked about.
        """

    def finished(self, number: int, outcome: Outcome) -> None:
        """A trial ended, well or not. Called once a trial that `next` gave."""
