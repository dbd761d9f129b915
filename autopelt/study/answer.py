"""What a study answers: the best at its budget, the smallest that is as good, what the front gains.

Everything is held against the architectures that are made by hand, which the study trained under
the same protocol. Where architectures were confirmed, the report split's fresh random seeds speak;
before that, what is believed of them given all trainings.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from autopelt.statistics.paired import CONFIDENCE, LIKELY
from autopelt.statistics.pareto import hypervolume
from autopelt.study.confirmation import FOUND, SEED, Confirmation, chosen
from autopelt.study.noise import gap_error, usual_margin
from autopelt.study.record import StudyRecord, TrialRecord

SURE = 0.5 + CONFIDENCE / 2
"""Chance from which a claim is called sure; `LIKELY` is the one from which it is likely."""


@dataclass(frozen=True)
class Gap:
    """Score of one architecture minus another's.

    Attributes:
        mean: the difference.
        error: its standard error; None where it is not known.
        seeds: fresh random seeds that both were confirmed with; 0 where it is by belief.
    """

    mean: float
    error: float | None
    seeds: int = 0

    def chance(self, above: float = 0.0) -> float:
        """Of the true difference being larger; NaN where nothing is known."""
        if self.error is None:
            return math.nan
        if self.error == 0:
            return float(self.mean > above)
        return 1 - NormalDist(self.mean, self.error).cdf(above)

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval."""
        if self.error is None:
            return None
        half = _NORMAL * self.error
        return self.mean - half, self.mean + half


_NORMAL = NormalDist().inv_cdf(SURE)


@dataclass(frozen=True)
class Smallest:
    """The one that costs least among those that are as good as the best.

    Attributes:
        cost: ``params`` or a measured objective: what it costs least of.
        trial: of all architectures. hand: of those made by hand; None where none is as good.
        gap: score of `trial` minus the best's; None where it is the best itself.
    """

    cost: str
    trial: TrialRecord
    hand: TrialRecord | None
    gap: Gap | None


@dataclass(frozen=True)
class FrontGain:
    """The front against what the hand-made architectures give alone.

    Attributes:
        members: of the front. found: of these by the search.
        volume: hypervolume. by_hand: of the hand-made architectures alone.
        above: found members that likely score more than anything made by hand of no more
            parameters, by growing parameters, with that difference; None where there is no such.
    """

    members: int
    found: int
    volume: float
    by_hand: float
    above: tuple[tuple[TrialRecord, Gap | None], ...]


@dataclass(frozen=True)
class Answer:
    """All of it.

    Attributes:
        best: of all architectures within the budget.
        found: best of the search. hand: best made by hand; either None where there is none.
        gain: score of `found` minus that of `hand`; None without either.
        margin: how much lower a score may be to be as good; None where it is not known.
        smallest: by parameters, then by every measured cost; empty without a margin.
        front: what it gains.
        proposed: complete architectures within the budget that are not made by hand.
        tried: all complete architectures within the budget.
        reference: best made by hand over the budget that beats everything within it.
    """

    best: TrialRecord
    found: TrialRecord | None
    hand: TrialRecord | None
    gain: Gap | None
    margin: float | None
    smallest: tuple[Smallest, ...]
    front: FrontGain
    proposed: int
    tried: int
    reference: TrialRecord | None

    @property
    def take(self) -> TrialRecord:
        """Which one to take, whoever says it.

        What the search found where that is likely better than the best made by hand, else the
        smallest that is as good as the best.
        """
        if self.found is None or self.hand is None or self.gain is None:
            return self.best
        if self.gain.chance() >= LIKELY:
            return self.found
        return self.smallest[0].trial if self.smallest else self.best


def answer(record: StudyRecord) -> Answer | None:
    """The answer of a study; None while nothing within the budget is complete."""
    if record.best is None:
        return None
    known = confirmed_trials(record)
    inside = [t for t in record.architectures if record.feasible(t)]
    value = record.expected(record.ranked[0])
    over = [
        t for t in record.architectures if not record.feasible(t) and record.expected(t) > value
    ]
    best = _chosen(known) or record.best
    found = _chosen(known, FOUND) or record.best_found
    hand = _chosen(known, SEED) or record.best_seed
    margin = margin_of(record, best)
    return Answer(
        best=best,
        found=found,
        hand=hand,
        gain=None if found is None or hand is None else gap(record, found, hand),
        margin=margin,
        smallest=() if margin is None else _smallest(record, best, margin, [t for t, _ in known]),
        front=front_gain(record),
        proposed=sum(not t.label for t in inside),
        tried=len(inside),
        reference=max(over, key=record.expected, default=None),
    )


def margin_of(record: StudyRecord, best: TrialRecord) -> float | None:
    """The study's margin, else the usual one."""
    given = record.config.margin
    return usual_margin(record, best) if given is None else given


def confirmed_trials(record: StudyRecord) -> list[tuple[TrialRecord, Confirmation]]:
    """What was trained again with fresh random seeds, each with its trial."""
    trials = {t.number: t for t in record.trials}
    return [(trials[c.trial], c) for c in record.confirmed if c.trial in trials]


def _chosen(
    known: Sequence[tuple[TrialRecord, Confirmation]], role: str | None = None
) -> TrialRecord | None:
    best = chosen([c for _, c in known], role)
    return next((t for t, c in known if c is best), None)


def gap(record: StudyRecord, a: TrialRecord, b: TrialRecord) -> Gap:
    """Score of one architecture minus another's, as surely as it is known."""
    again = {c.trial: c for c in record.confirmed}
    if a.number in again and b.number in again:
        measured = again[a.number].against(again[b.number])
        if measured is not None:
            error = None if measured.half is None else measured.half / _NORMAL
            return Gap(measured.mean, error, measured.seeds)
    return Gap(record.expected(a) - record.expected(b), gap_error(record, a, b))


def as_good(record: StudyRecord, t: TrialRecord, best: TrialRecord, margin: float) -> bool:
    """Whether an architecture is not lower than the best by more than the margin.

    Surely (non-inferiority), where fresh random seeds tell; before that as expected.
    """
    if t.architecture == best.architecture:
        return True
    known = gap(record, t, best)
    return known.chance(-margin) >= SURE if known.seeds else known.mean >= -margin


def _smallest(
    record: StudyRecord, best: TrialRecord, margin: float, confirmed: Sequence[TrialRecord]
) -> tuple[Smallest, ...]:
    inside = list(confirmed) or [t for t in record.architectures if record.feasible(t)]
    good = [t for t in inside if as_good(record, t, best, margin)]
    told = []
    for place, cost in enumerate(("params", *record.measured)):
        ranked = sorted(
            good, key=lambda t: (record.costs(t)[place], t is not best, -record.expected(t))
        )
        first = ranked[0]
        told.append(
            Smallest(
                cost,
                first,
                next((t for t in ranked if t.label), None),
                None if first is best else gap(record, first, best),
            )
        )
    return tuple(told)


def front_gain(record: StudyRecord) -> FrontGain:
    """What the front of expected scores has over the hand-made architectures alone."""
    inside = [t for t in record.architectures if record.feasible(t)]
    hand = [t for t in inside if t.label]
    front = record.front

    def volume(trials: Sequence[TrialRecord]) -> float:
        return hypervolume([record.point(t) for t in trials], record.limit, record.floor)

    above: list[tuple[TrialRecord, Gap | None]] = []
    for t in front:
        if t.label:
            continue
        rivals = [h for h in hand if h.count.deployed <= t.count.deployed]
        if not rivals:
            above.append((t, None))
            continue
        found = gap(record, t, max(rivals, key=record.expected))
        if found.chance() >= LIKELY:
            above.append((t, found))
    return FrontGain(
        len(front), sum(not t.label for t in front), volume(inside), volume(hand), tuple(above)
    )


def told_apart(record: StudyRecord) -> list[TrialRecord]:
    """Members of the front that are likely better than the one before, by growing parameters.

    The others are within the noise of a smaller one, so nobody needs to choose between them. Where
    nothing tells how large noise is, none is.
    """
    kept: list[TrialRecord] = []
    for t in record.front:
        chance = gap(record, t, kept[-1]).chance() if kept else 1.0
        if chance >= LIKELY or math.isnan(chance):
            kept.append(t)
    return kept
