"""What a worker tells: an epoch, what it is busy with, why a trial cannot go on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class EpochResult:
    """One epoch.

    Attributes:
        epoch: from 1; the last at once where there is nothing to train.
        loss: mean training loss.
        score: of the selection split by the task's metric, negated where lower is better.
        metrics: all metrics of the selection split.
        best: no epoch so far scored higher, of those whose state can be shipped.
        seconds: wall-clock by phase.
        saved: what the trunk cache did: ``trunk`` (seconds that this epoch was shorter), and with
            the first epoch ``layers`` (left out of every pass) and ``hits`` (splits whose states
            were there already).
        notes: sentences about the data that a user must see, with the first epoch.
        without: with the last epoch, the best one's score without each group of the selection
            split's examples (`autopelt.training.example_groups`).
        texts: with the last epoch, scores of the texts that the best one writes, where these are
            asked for beside the metric (`autopelt.training.sampled_texts`).
        held_out: what `autopelt.training.held_out` says, with the last epoch where it was asked.
        costs: what was measured where it was asked: by `autopelt.training.costs` with the first
            epoch, by `autopelt.training.forgetting` with the last.
    """

    epoch: int
    loss: float
    score: float
    metrics: dict[str, float]
    best: bool
    seconds: dict[str, float] = field(default_factory=dict)
    saved: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    without: list[float] = field(default_factory=list)
    texts: dict[str, float] = field(default_factory=dict)
    held_out: dict[str, Any] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)


Tell = Callable[[EpochResult], str]
"""Told of every epoch; gives the reason why the trial is to stop, or ""."""


@dataclass(frozen=True)
class Doing:
    """What a trial is busy with before its first epoch has ended, in words."""

    text: str


class TrialFailure(Exception):  # noqa: N818 - it is an outcome, not an error of the program
    """A trial that cannot go on; the message is the reason that the study keeps."""

    @classmethod
    def of_loss(cls, value: float, step: int, epoch: int) -> "TrialFailure":
        """The loss is no finite number."""
        return cls(
            f"the loss became {value} at step {step} of epoch {epoch}; "
            "a lower learning rate may help (learning_rate_factor)"
        )

    @classmethod
    def of_score(cls, name: str, value: float, epoch: int) -> "TrialFailure":
        """The score is no finite number."""
        return cls(f"the {name} is {value} after epoch {epoch}")
