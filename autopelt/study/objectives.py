"""What a study optimises, in which direction, and from which point hypervolume is measured."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from autopelt.errors import UsageError, did_you_mean
from autopelt.system.units import format_bytes


@dataclass(frozen=True)
class Cost:
    """An objective that a worker measures of each architecture; it is minimised.

    Attributes:
        words: what it is and in which unit, as an axis says it.
        against: what follows the amount in a sentence: ``1.083x the bare backbone's``.
        show: the amount as text.
        unit: how many of what is measured make one of what is drawn.
        trained: measured when the training has ended (`autopelt.training.forgetting`), and not
            before it (`autopelt.training.costs`).
    """

    words: str
    against: str
    show: Callable[[float], str]
    unit: float = 1.0
    trained: bool = False


COSTS = {
    "latency": Cost(
        "latency, times the bare backbone's", "the bare backbone's", lambda times: f"{times:.3f}x"
    ),
    "memory": Cost(
        "memory of training beside the frozen weights, MiB",
        "beside the frozen weights",
        format_bytes,
        unit=2.0**20,
    ),
    "forgetting": Cost(
        "forgetting: loss on general text, after minus before, nats a token",
        "nats a token on general text, after minus before",
        lambda nats: f"{nats:+.4f}",
        trained=True,
    ),
    "drift": Cost(
        "drift: 1 - cosine of a general text's states after and before",
        "from the bare backbone's states of general text, 1 - cosine",
        lambda distance: f"{distance:.3g}",
        trained=True,
    ),
}
"""What a worker measures, by name."""
MEASURED = tuple(COSTS)

DIRECTIONS: dict[str, Literal["maximize", "minimize"]] = {
    "score": "maximize",
    "params": "minimize",
    **dict.fromkeys(MEASURED, "minimize"),
}
"""Objective -> direction; ``params`` are deployed parameters."""


def format_cost(objective: str, amount: float) -> str:
    """A measured objective as text; ``-`` for NaN."""
    return "-" if math.isnan(amount) else COSTS[objective].show(amount)


BOTH = "both"
"""The score and the front in turn."""


@dataclass(frozen=True)
class Objectives:
    """What a study optimises, in order: the score, then what is minimised.

    Attributes:
        best_too: some proposals ask for the best score within the budget, the others for the front.
    """

    names: tuple[str, ...] = ("score", "params")
    best_too: bool = False

    @classmethod
    def parse(cls, text: str) -> "Objectives":
        """Read ``both``, ``score`` or ``score,params`` and any of `COSTS`.

        Raises:
            UsageError: it is none of these.
        """
        if text.strip() == BOTH:
            return cls(best_too=True)
        names = tuple(part.strip() for part in text.split(",") if part.strip())
        for name in names:
            if name not in DIRECTIONS:
                known = (BOTH, *DIRECTIONS)
                raise UsageError(f"objective '{name}' is unknown: {did_you_mean(name, known)}")
        if not names or names[0] != "score" or len(set(names)) != len(names):
            raise UsageError(
                f"objectives '{text}' must be '{BOTH}', or start with 'score' and not repeat: "
                "score,params."
            )
        if len(names) > 1 and names[1] != "params":
            raise UsageError(
                f"objectives '{text}' must have 'params' second: "
                f"score,params,{','.join(names[1:])}."
            )
        return cls(names)

    def __str__(self) -> str:
        return BOTH if self.best_too else ",".join(self.names)

    @property
    def directions(self) -> list[Literal["maximize", "minimize"]]:
        """``maximize`` or ``minimize``, by objective."""
        return [DIRECTIONS[name] for name in self.names]

    @property
    def measured(self) -> tuple[str, ...]:
        """Those that a worker measures, in order."""
        return tuple(name for name in self.names if name in MEASURED)

    @property
    def share(self) -> float:
        """Of the proposals, those that ask for the best score within the budget."""
        return 0.5 if self.best_too else float(not self.weigh_costs)

    @property
    def weigh_costs(self) -> bool:
        """Whether a study asks for a front, and not for the score alone."""
        return len(self.names) > 1
