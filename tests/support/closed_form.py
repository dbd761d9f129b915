"""Spaces and studies for the tests of the search engine; parameter counts in closed form."""

from collections.abc import Callable, Sequence

import numpy as np
import optuna

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.methods.shapes import Shapes
from autopelt.samplers import suggest
from autopelt.samplers.pelt import FeasibleSampler
from autopelt.space.bound import BoundSpace
from autopelt.space.points import feasible_neighbours, sample_feasible
from autopelt.space.space import SearchSpace


def shapes_of(layers: int, hidden: int) -> Shapes:
    linear = {f"attention.{k}": (hidden, hidden) for k in ("query", "key", "value", "output")}
    linear |= {"ffn.in": (hidden, 4 * hidden), "ffn.out": (4 * hidden, hidden)}
    parameters = 31036 * hidden + layers * (12 * hidden**2 + 13 * hidden) + hidden**2
    places = ("attention", "attention.keys", "ffn", *linear, "embeddings")
    return Shapes("bert", layers, hidden, hidden, parameters, linear, places)


def bound(
    name_or_yaml: str,
    layers: int = 6,
    hidden: int = 384,
    limit: int | None = None,
    minimum: int = 0,
) -> BoundSpace:
    """A shipped space, or one in YAML, on BERT-like shapes under 1 % or `limit` parameters."""
    text = "\n" in name_or_yaml
    space = SearchSpace.parse(name_or_yaml) if text else SearchSpace.load(name_or_yaml)
    shapes = shapes_of(layers, hidden)
    if limit is None:
        limit = shapes.backbone_parameters // 100
    return BoundSpace(space, shapes, ShapeCounter(shapes), limit, minimum)


def point_of(space: BoundSpace, rng: np.random.Generator) -> tuple[int, ...]:
    """One feasible point."""
    return tuple(sample_feasible(space, rng, 1)[0].tolist())


def points_near(space: BoundSpace, vector: Sequence[int]) -> list[tuple[int, ...]]:
    """All feasible points one small change away."""
    return [tuple(point) for point in feasible_neighbours(space, vector).tolist()]


MIXED = """
name: mixed
layer_switch: true
modules:
  - {method: sequential_adapter, location: ffn, per: model, sizes: [2, 4], layers: 0-1}
  - {method: prefix, location: attention, per: model, sizes: [0, 1, 2], gate: [true, false],
     layers: 1-3}
  - {method: lora, location: [attention.query, attention.value], sizes: [0, 1], layers: "3"}
learning_rate_multiplier: [0.5, 1]
"""
"""Switches that act on some rows only, sizes that cannot be 0, a gate whose first value is true."""

VARIANTS = """
name: variants
layer_switch: true
modules:
  - {method: lora, location: [attention.query, ffn.in], sizes: [0, 4, 16], alpha: [rank, 2, sqrt],
     start: [random, pissa], layers: 0-1}
  - {method: lora, location: attention.key, sizes: [0, 1], gate: [true, false],
     start: [eva, random], per: model, layers: 1-2}
learning_rate_multiplier: [1, 2]
"""
"""One scale and one start for all modules of a row; what starts at PiSSA costs twice as much."""

FOUR = """
name: four
modules:
  - {method: prefix, location: attention, sizes: [0, 1, 2], layers: "0", gate: [false, true]}
"""
"""A space of four architectures beside the empty one."""


def score_of(architecture: Architecture) -> float:
    """A smooth score that likes LoRA high up and dislikes nothing."""
    total = 0.0
    for module in architecture.modules:
        layer = 0 if module.layer is None else module.layer
        total += (
            (1 + layer) * module.size / (module.size + 6) * (1.5 if module.method == "lora" else 1)
        )
    return total / (total + 8)


def study_of(sampler: optuna.samplers.BaseSampler, objectives: int = 2) -> optuna.Study:
    up, down = optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE
    return optuna.create_study(directions=[up, down, down, down][:objectives], sampler=sampler)


def latency_of(architecture: Architecture) -> float:
    """A sum over modules; LoRA without a gate costs nothing."""
    slow = [m for m in architecture.modules if m.method != "lora" or m.gate is not None]
    return 1.0 + sum(0.02 + 0.001 * m.size for m in slow)


def memory_of(architecture: Architecture) -> float:
    """Grows with the modules' sizes."""
    return 100.0 + sum(m.size for m in architecture.modules)


def run(
    study: optuna.Study,
    space: BoundSpace,
    trials: int,
    score: Callable[[Architecture], float] = score_of,
) -> list[Architecture]:
    """Ask, train, tell as the driver does; the architectures in order."""
    made = []
    for _ in range(trials):
        trial = study.ask()
        architecture = suggest(trial, space)
        trial.set_user_attr("architecture", architecture.to_json())
        if isinstance(study.sampler, FeasibleSampler):
            trial.set_user_attr("origin", study.sampler.origin(trial.number))
        measured = {"latency": latency_of(architecture), "memory": memory_of(architecture)}
        trial.set_user_attr("costs", measured)
        made.append(architecture)
        values: Sequence[float] = [
            score(architecture),
            space.counter.count(architecture).deployed,
            *measured.values(),
        ]
        if values[0] != values[0]:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, values[: len(study.directions)])
    return made
