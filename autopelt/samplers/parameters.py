"""Between Optuna's trials and the points of a bound space: names, distributions, values."""

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import FrozenTrial

from autopelt.architecture.architecture import Architecture
from autopelt.errors import UsageError
from autopelt.space.bound import BoundSpace
from autopelt.space.tables import Dimension, Vector

ARCHITECTURE = "architecture"
"""User attribute of a trial: the canonical JSON of what it trains."""


def distributions(space: BoundSpace) -> dict[str, BaseDistribution]:
    """One distribution per dimension, by its name.

    A size and the multiplier are the index into their list, 0 to k - 1; a gate and a switch are
    categorical over False and True, a variant over its words.
    """
    return {d.name: _distribution(d) for d in space.dimensions}


def suggest(trial: optuna.Trial, space: BoundSpace) -> Architecture:
    """Let the trial's sampler choose every dimension, and decode the choice.

    A gate is asked for only where its module is present.
    """
    vector = [0] * len(space.dimensions)
    for i, dimension in enumerate(space.dimensions):
        if dimension.kind == "gate" and _absent(space, vector, dimension):
            continue
        distribution = _distribution(dimension)
        if isinstance(distribution, IntDistribution):
            vector[i] = trial.suggest_int(dimension.name, distribution.low, distribution.high)
        else:
            choices = distribution.choices
            vector[i] = _index(dimension, trial.suggest_categorical(dimension.name, choices))
    return space.decode(space.canonical(vector))


def params_of(
    vector: Sequence[int], space: BoundSpace, absent_gates: bool = False
) -> dict[str, Any]:
    """Values of the Optuna parameters that stand for a point.

    Args:
        absent_gates: gates of absent modules are there too, as False.
    """
    params: dict[str, Any] = {}
    for dimension, value in zip(space.dimensions, vector, strict=True):
        if dimension.kind == "gate" and _absent(space, vector, dimension):
            if absent_gates:
                params[dimension.name] = False
        elif dimension.kind in ("gate", "switch"):
            params[dimension.name] = bool(dimension.values[value])
        elif dimension.kind == "variant":
            params[dimension.name] = dimension.labels[value]
        else:
            params[dimension.name] = int(value)
    return params


def vector_of_params(params: Mapping[str, Any], space: BoundSpace) -> Vector:
    """The point of Optuna parameters; what is not among them counts as 0.

    Raises:
        UsageError: a value is out of range.
    """
    return space.canonical(
        [_index(d, params[d.name]) if d.name in params else 0 for d in space.dimensions]
    )


def vector_of(trial: FrozenTrial, space: BoundSpace) -> Vector | None:
    """The point that a trial of a study stands for, None where the space cannot express it.

    The attribute ``architecture`` counts before the parameters; of a trial that waits in the queue
    the queued parameters count.
    """
    try:
        if ARCHITECTURE in trial.user_attrs:
            return space.encode(Architecture.from_json(trial.user_attrs[ARCHITECTURE]))
        params = trial.params or trial.system_attrs.get("fixed_params") or {}
        sizes = {d.name for d in space.dimensions if d.kind == "size"}
        return vector_of_params(params, space) if sizes <= params.keys() else None
    except UsageError:  # not in the space, or not an architecture
        return None


def check_space(trials: Sequence[FrozenTrial], space: BoundSpace) -> None:
    """Whether the trials of a study were made in this space, as it is now.

    A trial without parameters of the space (a hand-made architecture) says nothing, and so does one
    that is still being filled. Sizes that changed but not their number show where autopelt's driver
    wrote both the parameters and the architecture.

    Raises:
        UsageError: one was not; it names the trial and the choice.
    """
    known = distributions(space)
    sizes = [d.name for d in space.dimensions if d.kind == "size"]
    for trial in trials:
        params = trial.params
        if not trial.state.is_finished() or not any(name in params for name in sizes):
            continue
        wrong = [name for name in sizes if name not in params]
        wrong += [n for n, d in trial.distributions.items() if n in known and known[n] != d]
        text = trial.user_attrs.get(ARCHITECTURE)
        if not wrong and text and trial.user_attrs.get("origin"):
            meant = space.decode(vector_of_params(params, space))
            if meant != Architecture.from_json(text):
                wrong = ["its sizes"]
        if wrong:
            raise UsageError(
                f"the space of this study has changed: trial {trial.number} was made with another "
                f"choice of {wrong[0]} than space '{space.space.name}' has now; put it back, "
                "or start a new study."
            )


def _distribution(dimension: Dimension) -> IntDistribution | CategoricalDistribution:
    if dimension.kind == "variant":
        return CategoricalDistribution(dimension.labels)
    if dimension.kind in ("gate", "switch"):
        return CategoricalDistribution((False, True))
    return IntDistribution(0, len(dimension.values) - 1)


def _index(dimension: Dimension, value: Any) -> int:
    if dimension.kind == "variant":
        return dimension.labels.index(str(value))
    if dimension.kind in ("gate", "switch"):
        return [bool(v) for v in dimension.values].index(bool(value))
    return int(value)


def _absent(space: BoundSpace, vector: Sequence[int], gate: Dimension) -> bool:
    return space.dimensions[gate.parent].values[vector[gate.parent]] == 0
