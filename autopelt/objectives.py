"""What a study optimises, in which direction, and from which point hypervolume is measured."""

from dataclasses import dataclass

from autopelt.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Objective:
    """One objective. `known` means computed from the architecture before any training."""

    name: str
    direction: str
    known: bool
    unit: str


OBJECTIVES = {
    "score": Objective("score", "maximize", False, ""),
    "params": Objective("params", "minimize", True, "deployed parameters"),
}


def parse_objectives(text: str) -> tuple[Objective, ...]:
    """Read ``score`` or ``score,params``. Raises UsageError for anything else."""
    names = [part.strip() for part in text.split(",") if part.strip()]
    for name in names:
        if name not in OBJECTIVES:
            raise UsageError(f"objective '{name}' is unknown: {did_you_mean(name, OBJECTIVES)}")
    if not names or names[0] != "score" or len(set(names)) != len(names):
        raise UsageError(
            f"objectives '{text}' must start with 'score' and not repeat: score,params."
        )
    return tuple(OBJECTIVES[name] for name in names)
