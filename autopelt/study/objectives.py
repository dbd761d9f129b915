"""What a study optimises, in which direction, and from which point hypervolume is measured."""

from dataclasses import dataclass
from typing import Literal

from autopelt.errors import UsageError, did_you_mean

DIRECTIONS: dict[str, Literal["maximize", "minimize"]] = {
    "score": "maximize",
    "params": "minimize",
    "latency": "minimize",
    "memory": "minimize",
}
"""Objective -> direction: deployed parameters, times the bare backbone's latency, bytes."""
MEASURED = ("latency", "memory")
"""Costs that a worker measures of each architecture (`autopelt.training.costs`)."""


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
        """Read ``both``, ``score`` or ``score,params[,latency][,memory]``.

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
