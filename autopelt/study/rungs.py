"""Rungs of early stopping, and what stopping saved: plain values."""

from collections.abc import Iterable
from dataclasses import dataclass


def rungs(epochs: int) -> tuple[int, ...]:
    """Epochs after which a trial may be stopped: 1, 2, 4, … below the last."""
    return tuple(2**k for k in range((epochs - 1).bit_length()))


@dataclass(frozen=True)
class Saved:
    """What early stopping saved in a study.

    Attributes:
        on: whether the study stops trials early.
        rungs: epochs after which a trial may be stopped.
        trials: number of trials stopped early.
        epochs_saved: epochs that they were not trained.
        epochs_planned: epochs that all ended trials would have taken.
    """

    on: bool
    rungs: tuple[int, ...]
    trials: int
    epochs_saved: int
    epochs_planned: int

    @classmethod
    def of(cls, on: bool, epochs: int, complete: int, stopped_after: Iterable[int]) -> "Saved":
        """Count.

        Args:
            epochs: of a whole trial.
            complete: trials that were trained to the end.
            stopped_after: epochs of each trial that was stopped.
        """
        after = list(stopped_after)
        return cls(
            on,
            rungs(epochs) if on else (),
            len(after),
            sum(epochs - n for n in after),
            epochs * (complete + len(after)),
        )

    @property
    def share(self) -> float:
        """Epochs saved as a share of the planned ones."""
        return self.epochs_saved / self.epochs_planned if self.epochs_planned else 0.0

    @property
    def words(self) -> str:
        """``off``, or what it saved, in words without a full stop."""
        if not self.on:
            return "off"
        if not self.rungs:
            return "on, but trials of one epoch leave nothing to stop"
        if not self.trials:
            return "on, no trial was stopped"
        trials = "trial" if self.trials == 1 else "trials"
        return (
            f"stopped {self.trials} {trials} and saved {self.epochs_saved} of "
            f"{self.epochs_planned} epochs ({self.share:.0%})"
        )
