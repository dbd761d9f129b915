"""Search problems of four kinds, with a known true score and a strong reference front.

Three are synthetic: 12 layers x {sequential adapter, parallel adapter, prefix, LoRA} with 8 sizes
each (48 dimensions), the shapes of bert-base, and a budget of 1 %. A score is the truth plus noise
of 0.7 points; 2 % of trainings fail and fall to chance.

structured  saturating contributions, smooth over depth, overlaps on a layer, coupled layers
rough       the same with an independent weight for every layer and method: nothing is smooth
sparse      14 of the 48 choices matter, each by itself, some only within a range of sizes
real        no formula: an emulator of real trainings on MiniLM, see `real_problems`

What the parts of a synthetic one add up to becomes a score by one of three links, in turn:
1 - exp(-a), a / (1 + a) and a itself without any bend. So no one assumption on saturation holds
everywhere.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState, create_trial

from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import seed_architecture, shrink
from autopelt.methods.shapes import Shapes
from autopelt.samplers import distributions, params_of
from autopelt.space.bound import BoundSpace, NotInSpaceError
from autopelt.space.points import feasible_neighbours, sample_feasible
from autopelt.space.space import SearchSpace
from autopelt.space.tables import Vector
from autopelt.statistics.pareto import front, hypervolume

if TYPE_CHECKING:
    from real_problems import RealTruth

Array = NDArray[np.float64]

LAYERS, METHODS = 12, 4
CHANCE = 0.5
NOISE, FAILURES = 0.007, 0.02
KINDS = ("structured", "rough", "sparse", "real")

LINKS: tuple[Callable[[Array], Array], ...] = (
    lambda a: np.asarray(1 - np.exp(-a)),
    lambda a: np.asarray(a / (1 + a)),
    lambda a: np.asarray(a / 5),
)

SPACE = """
name: benchmark
modules:
  - {method: sequential_adapter, location: ffn, sizes: [0, 2, 4, 8, 16, 32, 64, 128]}
  - {method: parallel_adapter, location: ffn, sizes: [0, 2, 4, 8, 16, 32, 64, 128]}
  - {method: prefix, location: attention, sizes: [0, 1, 2, 4, 8, 16, 32, 64]}
  - {method: lora, location: [attention.query, attention.value], sizes: [0, 1, 2, 4, 8, 16, 32, 64]}
"""


def shapes_of(layers: int, hidden: int) -> Shapes:
    """Shapes of a BERT-like encoder."""
    linear = {f"attention.{k}": (hidden, hidden) for k in ("query", "key", "value", "output")}
    linear |= {"ffn.in": (hidden, 4 * hidden), "ffn.out": (4 * hidden, hidden)}
    parameters = (30522 + 514) * hidden + layers * (12 * hidden**2 + 13 * hidden) + hidden**2
    places = ("attention", "attention.keys", "ffn", *linear, "embeddings")
    return Shapes("bert", layers, hidden, hidden, parameters, linear, places)


def bound(space: SearchSpace, layers: int, hidden: int, share: float = 0.01) -> BoundSpace:
    """A space on BERT-like shapes under a share of its parameters."""
    shapes = shapes_of(layers, hidden)
    return BoundSpace(space, shapes, ShapeCounter(shapes), int(share * shapes.backbone_parameters))


@dataclass(frozen=True)
class Problem:
    """One problem.

    Attributes:
        truth: noise-free score of points, (n, D) -> (n,); of the kind *real* its expectation over
            trainings that learn something and that learn nothing.
        reference: hypervolume of a front found with about 24,000 noise-free evaluations or more.
        starts: 8 hand-made architectures and 16 random feasible ones.
        floor: score of the hypervolume's reference point, and of failed trainings.
        noise: deviation of a training.
        failures: share of trainings that fall to the floor.
        real: what the truth of the kind *real* is made of.
    """

    kind: str
    number: int
    space: BoundSpace
    truth: Callable[[NDArray[np.int64]], Array]
    reference: float
    starts: tuple[Vector, ...]
    floor: float = CHANCE
    noise: float = NOISE
    failures: float = FAILURES
    real: "RealTruth | None" = None

    def train(self, vector: Vector, trial: int) -> float:
        """A noisy training of a point, the same for all samplers at the same trial number."""
        rng = np.random.default_rng((7, self.number, trial, KINDS.index(self.kind)))
        if rng.random() < self.failures:
            return self.floor + float(rng.normal(0, self.noise))
        return float(self.truth(np.array([vector]))[0]) + float(rng.normal(0, self.noise))

    def share(self, vectors: Sequence[Vector]) -> float:
        """Hypervolume of the true scores of what was evaluated, as a share of the reference."""
        found = _hypervolume(self.space, self.truth, np.array(vectors), self.floor)
        return found / self.reference


def starting_point(space: BoundSpace, vector: Vector, values: Sequence[float]) -> FrozenTrial:
    """A trial of a seed architecture that is complete before a search begins."""
    params, known = params_of(vector, space), distributions(space)
    return create_trial(
        state=TrialState.COMPLETE,
        params=params,
        distributions={key: known[key] for key in params},
        values=values,
        user_attrs={"architecture": space.decode(vector).to_json(), "origin": "seed"},
    )


def problem(kind: str, number: int, rounds: int = 60) -> Problem:
    """Problem `number` of a kind; the same every time.

    Args:
        rounds: of evolution for the reference, which take most of the time; at most 25 of *real*.
    """
    rng = np.random.default_rng((11, number, KINDS.index(kind)))
    if kind == "real":
        return _real(number, rng, rounds)
    space = bound(SearchSpace.parse(SPACE), LAYERS, 768)
    link = LINKS[number % len(LINKS)]
    truth = (
        _sparse(rng, link) if kind == "sparse" else _layered(rng, link, smooth=kind == "structured")
    )
    starts = [*_hand_made(space), *map(tuple, sample_feasible(space, rng, 16).tolist())]
    reference = _reference(space, truth, rng, starts, CHANCE, rounds)
    return Problem(kind, number, space, truth, reference, tuple(starts))


def _real(number: int, rng: np.random.Generator, rounds: int) -> Problem:
    from real_problems import HIDDEN, real_truth
    from real_problems import LAYERS as REAL_LAYERS

    space = bound(SearchSpace.load("pelt"), REAL_LAYERS, HIDDEN)
    found = real_truth(space, number)
    made = by_name(space)
    random = sample_feasible(space, rng, 24 - len(made)).tolist()
    starts = [*made, *map(tuple, random)]
    truth, floor, noise = found.expected, found.basics.alone, found.basics.noise
    reference = _reference(space, truth, rng, starts, floor, min(rounds, 25))
    return Problem("real", number, space, truth, reference, tuple(starts), floor, noise, 0.0, found)


def by_name(space: BoundSpace) -> list[Vector]:
    """Seed architectures that the space can express, shrunk to fit; at most eight."""
    sizes = {(row.method, at): row.sizes for row in space.space.modules for at in row.location}
    made: dict[Vector, None] = {}
    for name in ("lora-r8", "adapter-pfeiffer", "unipelt", "lora-r2", "prefix-10", "sapa",
                 "adapterdrop-3", "lora-r16", "prompt-10", "adapter-parallel"):  # fmt: skip
        architecture = seed_architecture(name, space.shapes)
        flat = architecture.with_modules(replace(m, mlp=None) for m in architecture.modules)
        small = shrink(flat, space.counter, space.limit, sizes)
        with suppress(NotInSpaceError):
            if small is not None:
                made[space.encode(small)] = None
    return list(made)[:8]


def _layered(
    rng: np.random.Generator, link: Callable[[Array], Array], *, smooth: bool
) -> Callable[[NDArray[np.int64]], Array]:
    depth = np.arange(LAYERS) / (LAYERS - 1)
    if smooth:
        peak, width = rng.uniform(0.2, 1.0, METHODS), rng.uniform(0.15, 0.5, METHODS)
        profile = np.exp(-0.5 * ((depth - peak[:, None]) / width[:, None]) ** 2)
    else:
        profile = rng.lognormal(-1.2, 1.0, (METHODS, LAYERS))
        profile = np.minimum(profile, 2.0)
    strength = rng.uniform(0.3, 1.0, METHODS)[:, None] * profile  # (methods, layers)
    saturation = rng.uniform(1.0, 3.0, METHODS)[:, None]
    overlap = rng.uniform(0.3, 0.9)
    coupling = rng.normal(0, 0.15, (METHODS, METHODS))
    total = rng.uniform(1.2, 2.2)
    high = rng.uniform(0.25, 0.4)

    def truth(points: NDArray[np.int64]) -> Array:
        index = points.reshape(len(points), METHODS, LAYERS)
        gain = strength * (1 - np.exp(-index / saturation))  # (n, methods, layers)
        best = gain.max(axis=1)
        layer = best + (1 - overlap) * (gain.sum(axis=1) - best)
        coupled = np.einsum("nal,ab,nbl->n", gain[..., :-1], coupling, gain[..., 1:])
        amount = np.maximum(0.0, layer.sum(axis=1) + coupled)
        return np.asarray(CHANCE + high * link(amount / total))

    return truth


def _sparse(
    rng: np.random.Generator, link: Callable[[Array], Array]
) -> Callable[[NDArray[np.int64]], Array]:
    chosen = rng.permutation(METHODS * LAYERS)[:14]
    weight = rng.uniform(0.3, 1.0, 14)
    saturation = rng.uniform(0.7, 3.0, 14)
    best = rng.integers(2, 6, 14)
    peaked = rng.random(14) < 0.35  # too large a size harms
    high = rng.uniform(0.25, 0.4)

    def truth(points: NDArray[np.int64]) -> Array:
        index = points[:, chosen]
        grown = 1 - np.exp(-index / saturation)
        hill = np.exp(-0.5 * ((index - best) / 1.2) ** 2) * (index > 0)
        amount = (weight * np.where(peaked, hill, grown)).sum(axis=1)
        return np.asarray(CHANCE + high * link(amount / 3.0))

    return truth


def _hand_made(space: BoundSpace) -> list[Vector]:
    """Eight uniform architectures that fit: one size in every layer."""
    made = []
    uniform = [
        (4, 0, 0, 0), (0, 5, 0, 0), (0, 0, 4, 0), (0, 0, 0, 2),
        (0, 0, 0, 4), (3, 0, 2, 3), (2, 2, 0, 0), (2, 0, 3, 0),
    ]  # fmt: skip
    for sizes in uniform:
        vector = np.repeat(np.array(sizes), LAYERS)
        while space.cost(vector.tolist()) > space.limit:
            vector = np.maximum(0, vector - 1)
        made.append(tuple(vector.tolist()))
    return made


def _hypervolume(
    space: BoundSpace,
    truth: Callable[[NDArray[np.int64]], Array],
    points: NDArray[np.int64],
    floor: float,
) -> float:
    values = list(zip(space.costs(points).tolist(), truth(points).tolist(), strict=True))
    return hypervolume(values, space.limit, floor)


def _reference(
    space: BoundSpace,
    truth: Callable[[NDArray[np.int64]], Array],
    rng: np.random.Generator,
    starts: Sequence[Vector],
    floor: float,
    rounds: int,
) -> float:
    """Hypervolume of a front found by noise-free evolution: neighbours of the front, in rounds."""
    points = np.concatenate([np.array(starts), sample_feasible(space, rng, 2000)])
    for _ in range(rounds):
        values = list(zip(space.costs(points).tolist(), truth(points).tolist(), strict=True))
        points = points[front(values)]
        some = points[rng.permutation(len(points))[:40]]
        near = [feasible_neighbours(space, p.tolist(), rng, 120) for p in some]
        points = np.concatenate([points, *near])
    return _hypervolume(space, truth, points, floor)
