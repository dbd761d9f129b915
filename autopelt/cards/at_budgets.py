"""What a comparison at several budgets says: found against by hand, and the smallest as good."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from autopelt.cards.comparison_rows import FOUND, FULL, HAND, Row, best_row
from autopelt.cards.wording import around, difference, gap_words, parameters, score
from autopelt.statistics.paired import Difference, Scored, example_error, paired_difference


@dataclass(frozen=True)
class Pair:
    """A found row held against another; either is None where there is none.

    Attributes:
        what: the budget, ``smallest``, ``fastest`` or ``full``: which pair it is.
    """

    what: str
    found: Row | None
    other: Row | None

    @property
    def gap(self) -> Difference | None:
        """Report score of the found one minus the other's."""
        if self.found is None or self.other is None:
            return None
        return paired_difference(self.found.scored, self.other.scored)

    @property
    def parameters(self) -> float | None:
        """Deployed parameters of the found one as a multiple of the other's."""
        if self.found is None or self.other is None or not self.other.count.deployed:
            return None
        return self.found.count.deployed / self.other.count.deployed

    @property
    def latency(self) -> float | None:
        """Latency of the found one as a multiple of the other's, both as multiples of the bare."""
        times = [_latency(r) for r in (self.found, self.other)]
        return None if None in times else times[0] / times[1]  # type: ignore[operator]


@dataclass(frozen=True)
class AtBudgets:
    """What a comparison says.

    Attributes:
        budgets: found against the best by hand, at each; smallest budget first.
        reference: best by hand at the largest budget, by the selection split.
        margin: how much lower than `reference` a score may be to be as good.
        smallest: the rows with the fewest parameters that are surely as good as `reference`.
        fastest: those with the lowest latency.
        full: the found row of the largest budget against full fine-tuning.
    """

    budgets: tuple[Pair, ...]
    reference: Row | None
    margin: float
    smallest: Pair
    fastest: Pair
    full: Pair

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """All of them."""
        return (*self.budgets, self.smallest, self.fastest, self.full)


def at_budgets(
    rows: Sequence[Row],
    budgets: Sequence[str],
    selection: int | None,
    margin: float | None = None,
) -> AtBudgets:
    """The numbers.

    Args:
        rows: of the comparison.
        budgets: their names, the smallest first.
        selection: examples of the selection split.
        margin: else one standard error of the reference's score over the selection split.
    """

    def best(role: str, budget: str) -> Row | None:
        return best_row([r for r in rows if r.role == role and budget in r.within])

    pairs = tuple(Pair(b, best(FOUND, b), best(HAND, b)) for b in budgets)
    reference = pairs[-1].other
    if margin is None:
        margin = 0.0 if reference is None else standard_error(reference, selection)
    good = [r for r in rows if r.role != FULL and as_good(r, reference, margin)]

    def least(what: str, cost: Callable[[Row], float | None]) -> Pair:
        first = {
            role: min(
                (r for r in good if r.role == role and cost(r) is not None),
                key=lambda r: (cost(r), r.count.deployed),
                default=None,
            )
            for role in (FOUND, HAND)
        }
        return Pair(what, first[FOUND], first[HAND])

    return AtBudgets(
        pairs,
        reference,
        margin,
        least("smallest", lambda r: r.count.deployed),
        least("fastest", _latency),
        Pair("full", pairs[-1].found, best_row([r for r in rows if r.role == FULL])),
    )


def as_good(row: Row, reference: Row | None, margin: float) -> bool:
    """Whether a row is surely not lower than the reference by more than the margin."""
    if reference is None or not row.scored:
        return False
    gap = paired_difference(row.scored, reference.scored)
    return row is reference or (gap is not None and gap.surely_above(-margin))


def standard_error(row: Row, examples: int | None) -> float:
    """Of its mean score over so many examples; 0 where it is not known.

    The jackknife's on the report split, for as many examples as the selection split has. However
    it comes out, one example's worth is open.
    """
    without = [s.without for s in row.scored]
    report = next((t.examples for t in row.trainings if t.examples), 0)
    if not without or not examples or len({len(w) for w in without}) > 1:
        return 0.0
    mean = tuple(map(fmean, zip(*without, strict=True)))
    error = (example_error(Scored(0, 0.0, mean)) or 0.0) * math.sqrt(report / examples)
    return max(error, 1 / examples)


def _latency(row: Row | None) -> float | None:
    """Times the bare backbone's, of a batch of one."""
    times = None if row is None else row.cost.get("times_bare_1")
    return None if times is None else float(times)


# ---------------------------------------------------------------------- words
def sentences(made: AtBudgets) -> list[str]:
    """What a person reads: each budget, the smallest and the fastest, full fine-tuning."""
    told = [_at_budget(pair) for pair in made.budgets]
    if made.reference is not None and made.reference.mean is not None:
        told.append(
            f"As good as {made.reference.name} ({score(made.reference.mean.mean)}, the best by "
            f"hand at {made.budgets[-1].what}), surely not lower by more than "
            f"{score(made.margin)}: {_least(made.smallest, 'fewest parameters')}; "
            f"{_least(made.fastest, 'lowest latency')}."
        )
    if made.full.gap is not None and made.full.found is not None:
        gap = made.full.gap
        told.append(
            f"Full fine-tuning is {score(abs(gap.mean))} "
            f"{'below' if gap.mean > 0 else 'above'} {made.full.found.name}: {gap.sureness}."
        )
    return told


def _at_budget(pair: Pair) -> str:
    found, hand, gap = pair.found, pair.other, pair.gap
    if found is None or hand is None or gap is None:
        return (
            f"At {pair.what}: best by hand, {_with_score(hand)}; found, {_with_score(found)}: "
            "nothing to compare yet."
        )
    if found.architecture.id == hand.architecture.id:
        return f"At {pair.what}: found is {found.name}, the best by hand itself."
    way = "above" if gap.mean > 0 else "below"
    return (
        f"At {pair.what}: found, {found.name}, is {score(abs(gap.mean))} {way} the best by hand, "
        f"{hand.name} ({gap_words(gap)}): {gap.sureness}."
    )


def _with_score(row: Row | None) -> str:
    return "none" if row is None else f"{row.name} ({around(row.mean)})"


def _least(pair: Pair, what: str) -> str:
    def told(row: Row | None) -> str:
        if row is None:
            return "none"
        times = _latency(row)
        more = "" if times is None else f", latency × {times:.2f}"
        return f"{row.name} with {parameters(row.count)}{more}"

    words = f"{what}: found, {told(pair.found)}; by hand, {told(pair.other)}"
    ratio = pair.parameters if what == "fewest parameters" else pair.latency
    return words + ("" if ratio is None else f" (found is {ratio:.2g} times that)")


def summary(made: AtBudgets) -> str:
    """One sentence for the head of the page."""
    gaps = [p.gap for p in made.budgets]
    known = [g for g in gaps if g is not None]
    if not known:
        return (
            "There is no budget yet at which both a found architecture and one by hand are scored."
        )
    sure = [g.mean for g in known if not g.within_noise]
    above, below = sum(m > 0 for m in sure), sum(m < 0 for m in sure)
    mean = fmean(g.mean for g in known)
    return (
        f"What was found is surely better than the best by hand at {above or 'none'} of "
        f"{len(known)} budgets, surely worse at {below or 'none'}; on average "
        f"by {difference(mean)}."
    )
