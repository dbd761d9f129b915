"""What a confirmation found, as plain values: trainings beyond the search, on the report split."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from statistics import fmean

from autopelt.statistics.paired import (
    Difference,
    Scored,
    example_error,
    mean_and_interval,
    paired_difference,
    spread,
)
from autopelt.study.ledger import Constant, Ledger, Line, Training

FOUND, SEED = "found", "seed"
CONFIRMED = "confirmed.jsonl"
"""File in a study's folder: one line a training."""


@dataclass(frozen=True)
class ConfirmedTrial:
    """Whom a line of ``confirmed.jsonl`` is about.

    Attributes:
        trial: its number in the search.
        architecture: its id.
        role: ``found`` (by the search) or ``seed`` (a seed architecture).
        believed: expected score by the surrogate when it was chosen, or None.
    """

    trial: int
    architecture: str = field(default="", compare=False)
    role: str = field(default=FOUND, compare=False)
    believed: float | None = field(default=None, compare=False)


def ledger(folder: Path) -> Ledger[ConfirmedTrial]:
    """The trainings of a study's confirmation, in its folder."""
    return Ledger(folder / CONFIRMED, ConfirmedTrial)


class Repeated:
    """What several trainings of one architecture say together; for classes with `trainings`."""

    trainings: tuple[Training, ...]

    @property
    def scored(self) -> tuple[Scored, ...]:
        """Trainings with a score on the report split, as `statistics.paired` takes them."""
        return tuple(
            Scored(t.random_seed, t.score, t.without) for t in self.trainings if t.score is not None
        )

    @property
    def mean(self) -> Difference | None:
        """Mean report score with its own interval; None before the first training."""
        return mean_and_interval(self.scored)

    @property
    def selection(self) -> float | None:
        """Mean selection score over the random seeds; None before the first training."""
        known = [t.selection for t in self.trainings if t.selection is not None]
        return sum(known) / len(known) if known else None

    @property
    def metrics(self) -> dict[str, float]:
        """All scores on the report split by name, each the mean over the random seeds."""
        known = [t.metrics for t in self.trainings if t.score is not None]
        names = dict.fromkeys(name for metrics in known for name in metrics)
        return {name: fmean(m[name] for m in known if name in m) for name in names}

    @property
    def constant(self) -> Constant | None:
        """The best constant answer: the same for every random seed; None where not known."""
        return next((t.constant for t in self.trainings if t.constant), None)

    @property
    def above_constant(self) -> Difference | None:
        """Report score minus the best constant answer's, on the same examples; None without one.

        An interval that reaches down to 0 means that nothing was learned, as far as can be told.
        """
        known = self.constant
        if known is None:
            return None
        same = [Scored(s.random_seed, known.score, known.without) for s in self.scored]
        return paired_difference(self.scored, same)

    @property
    def collapsed(self) -> tuple[Training, ...]:
        """Trainings that gained less than half of what their median gains over a constant answer.

        Some never leave the constant answer while others of the same architecture do; a mean over
        both describes neither. Empty for fewer than three trainings, without a constant answer, and
        where the median one is not above it by two standard errors over the examples.
        """
        known, ended = self.constant, sorted(self.scored, key=lambda s: s.score)
        if known is None or len(ended) < 3:
            return ()
        middle = ended[len(ended) // 2]
        gain = middle.score - known.score
        error = example_error(middle, Scored(middle.random_seed, known.score, known.without))
        if error is None or gain <= 2 * error:
            return ()
        least = known.score + gain / 2
        return tuple(t for t in self.trainings if t.score is not None and t.score < least)


@dataclass(frozen=True)
class Confirmation(Repeated):
    """One architecture of the search, trained again with fresh random seeds.

    Attributes:
        trial: its trial in the search.
        role: ``found`` (by the search) or ``seed`` (a seed architecture).
        believed: expected score by the surrogate when it was chosen, or None.
        trainings: in the order of the random seeds.
        expected: selection score of a training of it, expected given all selection scores of the
            search and of the confirmation; None in confirmations of before.
    """

    trial: int
    role: str
    believed: float | None
    trainings: tuple[Training, ...]
    expected: float | None = None

    @property
    def spread(self) -> float | None:
        """Standard deviation over random seeds."""
        return spread(self.scored)

    def against(self, other: "Confirmation | None") -> Difference | None:
        """Report score minus another one's, paired over random seeds and examples."""
        if other is None or other is self:
            return None
        return paired_difference(self.scored, other.scored)


def by_report(confirmed: Sequence[Confirmation]) -> list[Confirmation]:
    """The highest mean report score first, what has none last: to be read, not to choose by."""
    return sorted(confirmed, key=lambda c: -(c.mean.mean if c.mean else -1e9))


def chosen(confirmed: Sequence[Confirmation], role: str | None = None) -> Confirmation | None:
    """Of the architectures, or of those in a role, the one with the highest expected score.

    Where that is not known of all, the one with the highest mean selection score over the fresh
    random seeds. The report split must not choose whom it then judges.
    """
    asked = [c for c in confirmed if role is None or c.role == role]
    known = [c for c in asked if c.selection is not None and c.scored]
    believed = all(c.expected is not None for c in known)

    def rank(c: Confirmation) -> tuple[float, int]:
        return (c.expected if believed else c.selection) or 0.0, -c.trial

    return max(known, key=rank, default=None)


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


def confirmations(
    lines: Iterable[Line[ConfirmedTrial]], expected: Mapping[str, float] | None = None
) -> tuple[Confirmation, ...]:
    """From a confirmation's ledger; of two lines about one training the later counts.

    Args:
        lines: of the ledger.
        expected: `Confirmation.expected` by the id of its architecture.
    """
    trainings: dict[int, dict[int, Training]] = {}
    about: dict[int, ConfirmedTrial] = {}
    for line in lines:
        if line.training is not None:
            about[line.about.trial] = line.about
            trainings.setdefault(line.about.trial, {})[line.training.random_seed] = line.training
    return tuple(
        Confirmation(
            trial,
            about[trial].role,
            about[trial].believed,
            tuple(by_seed.values()),
            (expected or {}).get(about[trial].architecture),
        )
        for trial, by_seed in trainings.items()
    )
