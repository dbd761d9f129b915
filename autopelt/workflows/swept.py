"""Which learning rate of a comparison's grid the selection split prefers, for each method."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from autopelt.study.ledger import Line


@dataclass(frozen=True)
class Run:
    """What a line of ``runs.jsonl`` is about.

    Attributes:
        kind: a training that helps to choose the rate, one at the rate chosen, or a measurement.
        method: `Method.key`.
        name: of the method, for a person.
        rate: factor on its learning rates; None for a measurement.
    """

    kind: Literal["rate", "seed", "cost"]
    method: str
    name: str = field(default="", compare=False)
    rate: float | None = None


@dataclass(frozen=True)
class Sweep:
    """The rates that every method chooses from, and what was found of one method.

    Attributes:
        rates: factors on a method's own learning rates.
        further: how often half the lowest or twice the highest factor is tried as well, while it is
            the best.
        seeds: random seeds that each rate is tried with; their mean chooses.
        alone: of a single rate it is not asked how good it is.
    """

    rates: tuple[float, ...]
    further: int
    seeds: tuple[int, ...]
    alone: bool = True

    @property
    def needed(self) -> bool:
        """Whether anything has to be tried."""
        return len(self.rates) > 1 or not self.alone

    def offered(self, method: str, lines: Sequence[Line[Run]]) -> tuple[float, ...]:
        """The factors that a method chooses from: `rates`, and beyond an end that was the best."""
        rates = self.rates
        for _ in range(self.further if len(self.rates) > 1 else 0):
            best = self._best(method, lines, rates)
            if best == max(rates):
                rates = (*rates, 2 * max(rates))
            elif best == min(rates):
                rates = (min(rates) / 2, *rates)
            else:
                break
        return rates

    def chosen(self, method: str, lines: Sequence[Line[Run]]) -> float | None:
        """The factor with the best mean selection score; None if all fail.

        Of equals it is the nearest to 1. A factor that failed with one of the random seeds counts
        only where every factor did.
        """
        if not self.needed:
            return self.rates[0]
        return self._best(method, lines, self.offered(method, lines), all_tried=False)

    def score(self, method: str, lines: Sequence[Line[Run]]) -> float | None:
        """Mean selection score at the factor chosen; None where it was not tried."""
        rate = self.chosen(method, lines)
        known = [] if rate is None else self._tried(method, lines).get(rate, [])
        scores = [selection for _, selection in known if selection is not None]
        return sum(scores) / len(scores) if scores else None

    def _tried(
        self, method: str, lines: Sequence[Line[Run]]
    ) -> dict[float, list[tuple[int, float | None]]]:
        """Of every factor tried (random seed, selection score or None where it failed)."""
        tried: dict[float, list[tuple[int, float | None]]] = {}
        for line in lines:
            rate, training = line.about.rate, line.training
            if rate is None or training is None or line.about != Run("rate", method, rate=rate):
                continue
            if training.random_seed in self.seeds:
                tried.setdefault(rate, []).append((training.random_seed, training.selection))
        return tried

    def _best(
        self,
        method: str,
        lines: Sequence[Line[Run]],
        rates: tuple[float, ...],
        all_tried: bool = True,
    ) -> float | None:
        """Of `rates` as `chosen` says; None also where not `all_tried` with every seed."""
        tried = self._tried(method, lines)
        if all_tried and any(len(dict(tried.get(r, ()))) < len(self.seeds) for r in rates):
            return None
        scores = {r: [s for _, s in tried.get(r, ()) if s is not None] for r in rates}
        known = [r for r in rates if scores[r]]
        whole = [r for r in known if len(scores[r]) == len(tried[r])]
        return max(
            whole or known,
            key=lambda r: (sum(scores[r]) / len(scores[r]), -abs(math.log(r))),
            default=None,
        )
