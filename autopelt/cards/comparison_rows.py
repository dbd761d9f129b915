"""The rows of a comparison: what is known of each method, and how it is said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.cards.collapsed import collapsed_words
from autopelt.cards.wording import score
from autopelt.statistics.paired import Difference, paired_difference
from autopelt.study.confirmation import Repeated
from autopelt.study.ledger import Training

FOUND, HAND, FULL = "found", "hand", "full"
"""Roles of a row: found by a study, made by hand, every weight of the backbone."""
LEFT_OUT = "rates only"
"""Of a row that is `Row.left_out`."""


@dataclass(frozen=True)
class Row(Repeated):
    """One method.

    Attributes:
        rate: factor on its learning rates that the selection split chose; None if none worked.
        trainings: one for each random seed so far.
        cost: what `autopelt.training.profile` found; empty where not measured yet.
        reason: why something of it failed, or "".
        rates: factors that the rate was chosen from.
        role: `FOUND`, `HAND` or `FULL`.
        within: names of the budgets at which it competes.
        swept: mean selection score at the rate chosen, of the trainings that chose it; None where
            there was nothing to choose.
    """

    name: str
    architecture: Architecture
    count: Count
    rate: float | None
    trainings: tuple[Training, ...]
    cost: Mapping[str, Any]
    reason: str = ""
    rates: tuple[float, ...] = ()
    role: str = HAND
    within: tuple[str, ...] = ()
    swept: float | None = None

    def against(self, best: Row | None) -> Difference | None:
        """Report score minus the best one's, paired over random seeds and examples."""
        if best is None or best is self:
            return None
        return paired_difference(self.scored, best.scored)

    @property
    def left_out(self) -> bool:
        """Its rate was chosen, and with that selection score it was not trained further."""
        return self.swept is not None and not self.trainings

    @property
    def unscored(self) -> str:
        """Why it has no score on the report split."""
        return LEFT_OUT if self.left_out else f"failed: {self.reason}"

    @property
    def epoch(self) -> float | None:
        """Mean of the chosen epochs."""
        known = [t.epoch for t in self.trainings if t.score is not None]
        return sum(known) / len(known) if known else None

    @property
    def seconds(self) -> float | None:
        """Training to the chosen epoch: its steps times the seconds of one, measured alone."""
        if self.epoch is None or "step_seconds" not in self.cost:
            return None
        steps = self.epoch * float(self.cost["steps_an_epoch"])
        return steps * float(self.cost["step_seconds"])


def best_row(rows: Sequence[Row]) -> Row | None:
    """The row that the selection split prefers; the report split does not choose."""
    return next((r for r in by_selection(rows) if r.scored), None)


def by_selection(rows: Sequence[Row]) -> list[Row]:
    """The rows, those first that the selection split prefers; those that are left out last."""

    def order(r: Row) -> tuple[bool, float]:
        known = r.swept if r.selection is None else r.selection
        return r.selection is None, math.inf if known is None else -known

    return sorted(rows, key=order)


def selection_words(row: Row) -> str:
    """Its mean selection score; in brackets where it is of the trainings that chose the rate."""
    if row.selection is None and row.swept is not None:
        return f"({score(row.swept)})"
    return score(row.selection)


def constant_of(rows: Sequence[Row]) -> float | None:
    """What the best constant answer scores on the report split."""
    return next((r.constant.score for r in rows if r.constant), None)


def learned_nothing(rows: Sequence[Row]) -> str:
    """A sentence on rows that are not surely above a constant answer; "" without any."""
    known = [(r, gap) for r in rows if (gap := r.above_constant) is not None]
    below = [r.name for r, gap in known if gap.low is not None and gap.low <= 0]
    if not below:
        return ""
    what = f"the best constant answer ({score(constant_of(rows))})"
    if len(below) == len(known):
        return f"No method is surely above {what}: perhaps nothing was learned."
    return f"Not surely above {what}: {', '.join(below)}."


def at_the_end(rows: Sequence[Row]) -> str:
    """A sentence on rows whose rate is the lowest or highest that was tried; "" without any.

    Of two rates each is an end, so nothing is said of those that chose the one nearer to 1.
    """
    found: dict[float, list[str]] = {}
    for r in rows:
        if r.rate is None or len(r.rates) < 2:
            continue
        nearest = min(r.rates, key=lambda rate: abs(math.log(rate)))
        if r.rate != nearest and r.rate in (min(r.rates), max(r.rates)):
            found.setdefault(r.rate, []).append(r.name)
    if not found:
        return ""
    named = "; ".join(f"× {rate:g} of {', '.join(found[rate])}" for rate in sorted(found))
    return (
        f"The best rate is at the end of what was tried: {named}. More rates beyond it may do "
        "better for these."
    )


def collapses(rows: Sequence[Row]) -> str:
    """Which rows did not learn with some random seeds; "" for none."""
    return collapsed_words((r.name, r) for r in rows)


def milliseconds(seconds: float | None) -> str:
    """``12.3 ms``, ``1,510 ms``; "" for what is not measured."""
    if not seconds:
        return ""
    return f"{seconds * 1e3:,.0f} ms" if seconds >= 0.1 else f"{seconds * 1e3:.3g} ms"


def latency(cost: Mapping[str, Any], size: int) -> str:
    """``12.3 ms, × 1.18``: of a batch, and how many times the bare backbone's."""
    words, times = milliseconds(cost.get(f"latency_{size}")), cost.get(f"times_bare_{size}")
    return words if not words or times is None else f"{words}, × {times:.2f}"


def megabytes(count: int | None) -> str:
    """``812 MB``."""
    return "" if not count else f"{count / 1e6:,.0f} MB"


def energy(cost: Mapping[str, Any]) -> str:
    """Joules, or that the machine does not tell."""
    if not cost or "reason" in cost:
        return ""
    joules = cost.get("step_joules")
    return "not measured" if joules is None else f"{joules:.3g} J"
