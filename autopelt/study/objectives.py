"""What a study optimises, in which direction, and from which point hypervolume is measured."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from autopelt.errors import UsageError, did_you_mean
from autopelt.system.units import Bytes, format_bytes


@dataclass(frozen=True)
class Cost:
    """An objective that a worker measures of each architecture; it is minimised.

    Attributes:
        words: what it is and in which unit, as an axis says it.
        against: what follows the amount in a sentence: ``1.083x the bare backbone's``.
        show: the amount as text.
        example: an amount as a limit has it.
        read, write: of a limit's text the amount, and back.
        least: no limit is below it.
        unit: how many of what is measured make one of what is drawn.
        trained: measured when the training has ended (`autopelt.training.forgetting`), and not
            before it (`autopelt.training.costs`).
    """

    words: str
    against: str
    show: Callable[[float], str]
    example: str
    read: Callable[[str], float] = float
    write: Callable[[float], str] = "{:.15g}".format
    least: float = 0.0
    unit: float = 1.0
    trained: bool = False


COSTS = {
    "latency": Cost(
        "latency, times the bare backbone's",
        "the bare backbone's",
        lambda times: f"{times:.3f}x",
        "1.2",
        read=lambda text: float(text.removesuffix("x")),
        least=1.0,
    ),
    "memory": Cost(
        "memory of training beside the frozen weights, MiB",
        "beside the frozen weights",
        format_bytes,
        "200MiB",
        read=Bytes.parse,
        write=lambda amount: str(Bytes(amount)),
        unit=2.0**20,
    ),
    "forgetting": Cost(
        "forgetting: loss on general text, after minus before, nats a token",
        "nats a token on general text, after minus before",
        lambda nats: f"{nats:+.4f}",
        "0.05",
        trained=True,
    ),
    "drift": Cost(
        "drift: 1 - cosine of a general text's states after and before",
        "from the bare backbone's states of general text, 1 - cosine",
        lambda distance: f"{distance:.3g}",
        "0.05",
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


def limit_words(name: str, most: float) -> str:
    """``latency<1.2``, which `Objectives.parse` reads."""
    return f"{name}<{COSTS[name].write(most)}"


def _limit(text: str) -> tuple[str, float]:
    """Of ``latency<1.2`` name and amount. Raises UsageError."""
    name, _, amount = (part.strip() for part in text.partition("<"))
    if name not in COSTS:
        raise UsageError(f"'{name}' of limit '{text}' is unknown: {did_you_mean(name, COSTS)}")
    cost = COSTS[name]
    try:
        most = float(cost.read(amount.removeprefix("=").strip()))
    except (ValueError, UsageError):
        most = math.nan
    if not cost.least <= most < math.inf:
        raise UsageError(f"limit '{text}': {cost.words}; write it like {name}<{cost.example}.")
    return name, most


BOTH = "both"
"""The score and the front in turn."""


@dataclass(frozen=True)
class Objectives:
    """What a study optimises, in order: the score, then what is minimised.

    Attributes:
        best_too: some proposals ask for the best score within the budget, the others for the front.
        limits: the most that some measured costs may be: what is over one is no answer, like what
            is over the budget. A cost that has a limit need not be minimised.
    """

    names: tuple[str, ...] = ("score", "params")
    best_too: bool = False
    limits: tuple[tuple[str, float], ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Objectives":
        """Read ``both``, ``score`` or ``score,params`` and any of `COSTS`, and limits on these.

        A limit is written ``latency<1.2``.

        Raises:
            UsageError: it is none of these.
        """
        parts = [part.strip() for part in text.split(",") if part.strip()]
        limits = tuple(_limit(part) for part in parts if "<" in part)
        if len(dict(limits)) < len(limits):
            raise UsageError(f"objectives '{text}' limit something twice; leave one out.")
        names = tuple(part for part in parts if "<" not in part)
        if names == (BOTH,):
            return cls(best_too=True, limits=limits)
        for name in names:
            if name not in (BOTH, *DIRECTIONS):
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
        return cls(names, limits=limits)

    def __str__(self) -> str:
        names = (BOTH,) if self.best_too else self.names
        return ",".join((*names, *(limit_words(name, most) for name, most in self.limits)))

    @property
    def directions(self) -> list[Literal["maximize", "minimize"]]:
        """``maximize`` or ``minimize``, by objective."""
        return [DIRECTIONS[name] for name in self.names]

    @property
    def measured(self) -> tuple[str, ...]:
        """Those that a worker measures, in order."""
        return tuple(name for name in self.names if name in MEASURED)

    @property
    def watched(self) -> tuple[str, ...]:
        """All that a worker measures: objectives, then what has a limit alone."""
        return tuple(dict.fromkeys((*self.measured, *(name for name, _ in self.limits))))

    @property
    def share(self) -> float:
        """Of the proposals, those that ask for the best score within the budget."""
        return 0.5 if self.best_too else float(not self.weigh_costs)

    @property
    def weigh_costs(self) -> bool:
        """Whether a study asks for a front, and not for the score alone."""
        return len(self.names) > 1
