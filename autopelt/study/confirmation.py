"""What a confirmation found, as plain values: trainings beyond the search, on the report split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from autopelt.statistics.paired import (
    Difference,
    Scored,
    example_error,
    mean_and_interval,
    paired_difference,
    spread,
)

FOUND, SEED = "found", "seed"
CONFIRMED = "confirmed.jsonl"
"""File in a study's folder: one line a training."""


@dataclass(frozen=True)
class Training:
    """One training of a confirmed architecture.

    Attributes:
        random_seed: of the training.
        score: on the report split, larger is better; None where it failed.
        selection: on the selection split, at the chosen epoch.
        epoch: that was chosen on the selection split.
        without: report score without each group of examples (`autopelt.statistics.paired`).
        reason: one line why it failed.
        constant: the best constant answer (`Task.constant`) on the same examples, where the task
            has one.
    """

    random_seed: int
    score: float | None
    selection: float | None = None
    epoch: int = 0
    without: tuple[float, ...] = ()
    reason: str = ""
    constant: Scored | None = None

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> "Training":
        """From its line in a ledger (`autopelt.workflows.jobs`)."""
        seed, constant = line["random_seed"], line.get("constant")
        return cls(
            seed,
            line.get("score"),
            line.get("selection"),
            line.get("epoch", 0),
            tuple(line.get("without", ())),
            line.get("reason", ""),
            constant and Scored(seed, constant["score"], tuple(constant["without"])),
        )


def above_constant(trainings: Sequence[Training]) -> Difference | None:
    """Report score minus the best constant answer's, on the same examples; None without one.

    An interval that reaches down to 0 means that nothing was learned, as far as can be told.
    """
    known = _constant(trainings)
    if known is None:
        return None
    reached = scored(trainings)
    return paired_difference(reached, [replace(known, random_seed=s.random_seed) for s in reached])


def collapsed(trainings: Sequence[Training]) -> tuple[Training, ...]:
    """Trainings that gained less than half of what their median gains over a constant answer.

    Some never leave the constant answer while others of the same architecture do; a mean over both
    describes neither. Empty for fewer than three trainings, without a constant answer, and where
    the median one is not above it by two standard errors over the examples.
    """
    known = _constant(trainings)
    ended = sorted(scored(trainings), key=lambda s: s.score)
    if known is None or len(ended) < 3:
        return ()
    middle = ended[len(ended) // 2]
    gain, error = middle.score - known.score, example_error(middle, known)
    if error is None or gain <= 2 * error:
        return ()
    least = known.score + gain / 2
    return tuple(t for t in trainings if t.score is not None and t.score < least)


def constant_score(trainings: Sequence[Training]) -> float | None:
    """What the best constant answer scores on the report split; None where it is not known."""
    known = _constant(trainings)
    return None if known is None else known.score


def _constant(trainings: Sequence[Training]) -> Scored | None:
    """The best constant answer: the same for every random seed, so any line that has it does."""
    return next((t.constant for t in trainings if t.constant), None)


def scored(trainings: Sequence[Training]) -> tuple[Scored, ...]:
    """Trainings that ended with a score on the report split, as `statistics.paired` takes them."""
    return tuple(
        Scored(t.random_seed, t.score, t.without) for t in trainings if t.score is not None
    )


class Repeated:
    """What several trainings of one architecture say together; for classes with `trainings`."""

    trainings: tuple[Training, ...]

    @property
    def scored(self) -> tuple[Scored, ...]:
        """Trainings with a score on the report split, as `statistics.paired` takes them."""
        return scored(self.trainings)

    @property
    def mean(self) -> Difference | None:
        """Mean report score with its own interval; None before the first training."""
        return mean_and_interval(self.scored)

    @property
    def selection(self) -> float | None:
        """Mean selection score over the random seeds; None before the first training."""
        known = [t.selection for t in self.trainings if t.selection is not None]
        return sum(known) / len(known) if known else None


@dataclass(frozen=True)
class Confirmation(Repeated):
    """One architecture of the search, trained again with fresh random seeds.

    Attributes:
        trial: its trial in the search.
        role: ``found`` (by the search) or ``seed`` (a seed architecture).
        believed: expected score by the surrogate when it was chosen, or None.
        trainings: in the order of the random seeds.
    """

    trial: int
    role: str
    believed: float | None
    trainings: tuple[Training, ...]

    @property
    def spread(self) -> float | None:
        """Standard deviation over random seeds."""
        return spread(self.scored)

    def against(self, other: "Confirmation") -> Difference | None:
        """Report score minus the other's, paired over random seeds and examples."""
        return paired_difference(self.scored, other.scored)


def chosen(confirmed: Sequence[Confirmation], role: str | None = None) -> Confirmation | None:
    """Of the architectures, or of those in a role, the one with the highest mean selection score.

    The report split must not choose whom it then judges.
    """
    asked = [c for c in confirmed if role is None or c.role == role]
    known = [c for c in asked if c.selection is not None and c.scored]
    return max(known, key=lambda c: (c.selection or 0.0, -c.trial), default=None)


def misled(
    searched: Mapping[int, float], confirmed: Sequence[Confirmation]
) -> tuple[int, int] | None:
    """Pairs of confirmed architectures that one score of the search put in the wrong order.

    Args:
        searched: that score by trial number.
        confirmed: architectures with their confirmed means.

    Returns:
        (pairs in the wrong order, pairs); ties of either side do not count. None without a pair.
    """
    known = [
        (searched[c.trial], mean.mean)
        for c in confirmed
        if c.trial in searched and (mean := c.mean) is not None
    ]
    pairs = [(a[0] - b[0], a[1] - b[1]) for a, b in combinations(known, 2)]
    pairs = [(x, y) for x, y in pairs if x != 0 and y != 0]
    return (sum(x * y < 0 for x, y in pairs), len(pairs)) if pairs else None


def confirmations(lines: Sequence[Mapping[str, Any]]) -> tuple[Confirmation, ...]:
    """From the lines of ``confirmed.jsonl``; of two lines about one training the later counts."""
    trainings: dict[int, dict[int, Training]] = {}
    about: dict[int, Mapping[str, Any]] = {}
    for line in lines:
        about[line["trial"]] = line
        trainings.setdefault(line["trial"], {})[line["random_seed"]] = Training.of(line)
    return tuple(
        Confirmation(
            trial,
            about[trial]["role"],
            about[trial].get("believed"),
            tuple(by_seed.values()),
        )
        for trial, by_seed in trainings.items()
    )
