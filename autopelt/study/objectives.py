"""What a study optimises, in which direction, and from which point hypervolume is measured."""

from dataclasses import dataclass

from autopelt.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Objective:
    """One objective. `known` means computed from the architecture, without a measurement."""

    name: str
    direction: str
    known: bool
    unit: str


OBJECTIVES = {
    "score": Objective("score", "maximize", False, ""),
    "params": Objective("params", "minimize", True, "deployed parameters"),
    "latency": Objective("latency", "minimize", False, "times the bare backbone's"),
    "memory": Objective("memory", "minimize", False, "bytes"),
}
MEASURED = ("latency", "memory")
"""Costs that a worker measures of each architecture (`autopelt.training.costs`)."""


def parse_objectives(text: str) -> tuple[Objective, ...]:
    """Read ``score`` or ``score,params[,latency][,memory]``. Raises UsageError otherwise."""
    names = [part.strip() for part in text.split(",") if part.strip()]
    for name in names:
        if name not in OBJECTIVES:
            raise UsageError(f"objective '{name}' is unknown: {did_you_mean(name, OBJECTIVES)}")
    if not names or names[0] != "score" or len(set(names)) != len(names):
        raise UsageError(
            f"objectives '{text}' must start with 'score' and not repeat: score,params."
        )
    if len(names) > 1 and names[1] != "params":
        raise UsageError(
            f"objectives '{text}' must have 'params' second: score,params,{','.join(names[1:])}."
        )
    return tuple(OBJECTIVES[name] for name in names)


def measured_costs(text: str) -> tuple[str, ...]:
    """Of the objectives of a study those that are measured, in order."""
    return tuple(o.name for o in parse_objectives(text) if o.name in MEASURED)


def weighs_costs(text: str) -> bool:
    """Whether a study asks for a front, and not for the score alone."""
    return len(parse_objectives(text)) > 1
