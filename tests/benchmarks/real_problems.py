"""Search problems of the *real* kind: an emulator of real trainings, fitted to tables of them.

    python tests/benchmarks/real_problems.py        # the emulators' errors on unseen trainings

The tables (see `real_table`) have the scores of architectures that were trained for real. One
problem is one task and one bootstrap resample of its architectures; its space is `pelt` on MiniLM
under 1 %. A training may learn nothing: its score is that of the head alone, give or take the
noise, or below. So the emulator has three parts: the chance that a training learns nothing, the
score when it learns, and the noise that architectures trained with several random seeds show where
they learned. (An architecture too small to learn anything has a chance near 1: its score is that of
the head alone.)

The emulator is no Gaussian process and knows nothing of depth: extremely randomised trees on plain
numbers (every size and gate, sums of each method and each layer, learning rate, parameters). So it
shares no assumption with our surrogate; what it does not know of real trainings it cannot show
either, hence the errors printed here.
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor

from autopelt.architecture.architecture import Architecture
from autopelt.space.bound import BoundSpace

Array = NDArray[np.float64]

DATA = Path(__file__).parent / "data"
LAYERS, HIDDEN = 6, 384
FEWEST = 40
WAY = ["train_examples", "epochs", "batch_size"]
COLUMNS = (
    "sequential_adapter ffn", "parallel_adapter ffn", "prefix attention",
    "lora attention.query", "lora attention.value", "sequential_adapter attention",
)  # fmt: skip


@dataclass(frozen=True)
class Trained:
    """One architecture of a table, its trainings put together.

    Attributes:
        scores: best score over epochs, one for each random seed.
    """

    architecture: Architecture
    parameters: int
    scores: tuple[float, ...]


def read_tables(folder: Path | None = None) -> dict[str, list[Trained]]:
    """Architectures by task, in the order in which they were first trained.

    What was trained in another way (examples, epochs, batch size) than most of a task is left out,
    and so is a task of fewer than 40 architectures.
    """
    folder = folder or DATA
    made: dict[str, list[Trained]] = {}
    for path in sorted(folder.glob("trainings-*.parquet")):
        rows = pd.read_parquet(path)
        ways = list(rows[WAY].itertuples(index=False, name=None))
        rows = rows[[way == max(sorted(set(ways)), key=ways.count) for way in ways]]
        found = [
            Trained(Architecture.from_json(text), int(group["deployed"].iloc[0]),
                    tuple(group["score"].tolist()))
            for text, group in rows.groupby("architecture", sort=False)
        ]  # fmt: skip
        if len(found) >= FEWEST:
            made[path.stem.removeprefix("trainings-")] = found
    if not made:
        raise SystemExit(f"no table in {folder} has {FEWEST} architectures: see real_table.py")
    return made


@dataclass(frozen=True)
class Basics:
    """What is known of a task before any emulator.

    Attributes:
        alone: score of the head alone (the least of the table where that was not trained).
        noise: deviation between trainings of one architecture that learned.
        nothing: mean score of the trainings that learned nothing.
        threshold: highest score of a training that learned nothing.
    """

    alone: float
    noise: float
    nothing: float
    threshold: float


def basics_of(trained: Sequence[Trained]) -> Basics:
    """Noise and floor; each defines the other, the noise of all trainings comes first."""
    alone = [float(np.mean(t.scores)) for t in trained if not t.architecture.modules]
    floor = alone[0] if alone else min(min(t.scores) for t in trained)
    scores = [s for t in trained for s in t.scores]
    noise = 0.0
    for _ in range(3):
        threshold = floor + noise
        noise = _noise([[s for s in t.scores if s > threshold] for t in trained])
    below = [s for s in scores if s <= threshold]
    return Basics(floor, noise, float(np.mean(below)) if below else floor, threshold)


def _noise(groups: Sequence[Sequence[float]]) -> float:
    """Pooled standard deviation of groups of trainings."""
    several = [g for g in groups if len(g) > 1]
    freedom = sum(len(g) - 1 for g in several)
    squares = sum(float(np.var(g)) * len(g) for g in several)
    return float(np.sqrt(squares / freedom)) if freedom else 0.0


# ---------------------------------------------------------------------- plain numbers
def plain(sizes: Array, gates: Array, prompt: Array, multiplier: Array, parameters: Array) -> Array:
    """The emulator's inputs.

    Shapes: sizes (log2(1 + size)) and gates (n, columns, layers); the others (n,). -> (n, F)
    """
    n = len(sizes)
    present = sizes > 0
    used = present.any(axis=1)
    lowest = np.where(used.any(axis=1), used.argmax(axis=1), LAYERS)
    return np.concatenate(
        [
            sizes.reshape(n, -1),
            sizes.sum(axis=2),
            sizes.sum(axis=1),
            present.sum(axis=2),
            gates.sum(axis=2),
            np.stack([prompt, multiplier, np.log10(1 + parameters), lowest, used.sum(1)], axis=1),
        ],
        axis=1,
    )


def plain_of_architectures(trained: Sequence[tuple[Architecture, int]]) -> Array:
    """Inputs of any architectures with their deployed parameters."""
    shape = (len(trained), len(COLUMNS), LAYERS)
    sizes, gates = np.zeros(shape), np.zeros(shape)
    prompt, multiplier = np.zeros(len(trained)), np.zeros(len(trained))
    for n, (architecture, _) in enumerate(trained):
        multiplier[n] = np.log2(architecture.learning_rate_multiplier)
        for module in architecture.modules:
            name = f"{module.method} {module.location}"
            if module.layer is None:
                prompt[n] = np.log2(1 + module.size)
            elif name in COLUMNS:
                sizes[n, COLUMNS.index(name), module.layer] = np.log2(1 + module.size)
                gates[n, COLUMNS.index(name), module.layer] = module.gate is not None
    return plain(sizes, gates, prompt, multiplier, np.array([float(p) for _, p in trained]))


def plain_of_points(space: BoundSpace, points: NDArray[np.int64]) -> Array:
    """Inputs of points of space `pelt`; equal to those of their architectures."""
    shape = (len(points), len(COLUMNS), LAYERS)
    sizes, gates = np.zeros(shape), np.zeros(shape)
    prompt, multiplier = np.zeros(len(points)), np.zeros(len(points))
    for i, dimension in enumerate(space.dimensions):
        values = np.array(dimension.values, dtype=np.float64)[points[:, i]]
        if dimension.kind == "multiplier":
            multiplier = np.log2(values)
        elif dimension.kind == "size":
            row = space.space.modules[dimension.row]
            size = np.log2(1 + values)
            if dimension.layer is None:
                prompt = size
                continue
            for at in row.location:
                column = COLUMNS.index(f"{row.method} {at}")
                sizes[:, column, dimension.layer] = size
                if i in space.gates:
                    gate = np.array(row.gate)[points[:, space.gates[i]]]
                    gates[:, column, dimension.layer] = gate * (size > 0)
    return plain(sizes, gates, prompt, multiplier, space.costs(points).astype(np.float64))


# ---------------------------------------------------------------------- the emulator
class Emulator:
    """Trees of the chance that a training learns, and of its score when it does.

    Args:
        trained: architectures; one that is there twice counts twice.
        inputs: theirs, (n, F).
    """

    def __init__(
        self, trained: Sequence[Trained], inputs: Array, basics: Basics, random_seed: int
    ) -> None:
        self.basics = basics
        rows = [(i, s) for i, t in enumerate(trained) for s in t.scores]
        at, scores = np.array([i for i, _ in rows]), np.array([s for _, s in rows])
        learned = scores > basics.threshold
        weights = np.array([1 / len(trained[i].scores) for i in at])
        self._chance = _fitted(inputs[at], learned.astype(float), weights, random_seed, leaf=4)
        at, scores, weights = at[learned], scores[learned], weights[learned]
        self._score = _fitted(inputs[at], scores, weights, random_seed, leaf=2)

    def learned(self, inputs: Array) -> Array:
        """Expected scores of trainings that learn; (n, F) -> (n,)."""
        return np.asarray(self._score.predict(inputs))

    def chances(self, inputs: Array) -> Array:
        """Chances that a training learns nothing; (n, F) -> (n,)."""
        return np.clip(1 - self._chance.predict(inputs), 0, 1)

    def expected(self, inputs: Array) -> Array:
        """Expected scores, those that learn nothing counted in; (n, F) -> (n,)."""
        chances = self.chances(inputs)
        return (1 - chances) * self.learned(inputs) + chances * self.basics.nothing


def _fitted(
    inputs: Array, values: Array, weights: Array, random_seed: int, leaf: int
) -> ExtraTreesRegressor:
    model = ExtraTreesRegressor(
        150, min_samples_leaf=leaf, max_features=0.5, random_state=random_seed, n_jobs=1
    )
    return model.fit(inputs, values, sample_weight=weights)


def held_out(trained: Sequence[Trained], folds: int = 10) -> dict[str, float]:
    """Errors of the emulator on architectures that it was not fitted to.

    Returns:
        ``rmse``, ``r2``, ``rank`` (Spearman's) of expected scores; ``sd`` of the scores and
        ``noise``, which no emulator can go below; ``nothing``, the share of trainings that learned
        nothing, and of its chance the mean squared error ``brier`` beside that of the one share
        for all, ``brier_share``.
    """
    from scipy.stats import spearmanr

    basics = basics_of(trained)
    inputs = plain_of_architectures([(t.architecture, t.parameters) for t in trained])
    scores = np.array([np.mean(t.scores) for t in trained])
    fold = np.random.default_rng(0).permutation(len(trained)) % folds
    predicted, chances = np.zeros(len(trained)), np.zeros(len(trained))
    for f in range(folds):
        rest = fold != f
        known = [t for t, kept in zip(trained, rest, strict=True) if kept]
        emulator = Emulator(known, inputs[rest], basics, 0)
        predicted[~rest] = emulator.expected(inputs[~rest])
        chances[~rest] = emulator.chances(inputs[~rest])
    error = predicted - scores
    nothing = np.array([s <= basics.threshold for t in trained for s in t.scores], dtype=float)
    at = np.repeat(np.arange(len(trained)), [len(t.scores) for t in trained])
    return {
        "architectures": len(trained),
        "trainings": len(nothing),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "sd": float(scores.std()),
        "r2": 1 - float(np.mean(error**2) / scores.var()),
        "rank": float(spearmanr(predicted, scores).statistic),
        "noise": basics.noise,
        "nothing": float(nothing.mean()),
        "brier": float(np.mean((chances[at] - nothing) ** 2)),
        "brier_share": float(nothing.var()),
    }


@cache
def tables() -> dict[str, list[Trained]]:
    """The tables, read once."""
    return read_tables()


@dataclass(frozen=True)
class RealTruth:
    """What a problem is made of.

    Attributes:
        expected, learned: emulated scores of points, with and without the trainings that learn
            nothing, (n, D) -> (n,).
        chances: that a training learns nothing, (n, D) -> (n,).
    """

    task: str
    expected: Callable[[NDArray[np.int64]], Array]
    learned: Callable[[NDArray[np.int64]], Array]
    chances: Callable[[NDArray[np.int64]], Array]
    basics: Basics


def real_truth(space: BoundSpace, number: int) -> RealTruth:
    """Task and bootstrap resample `number`; the same every time for the same tables."""
    found = tables()
    task = sorted(found)[number % len(found)]
    trained = found[task]
    drawn = np.random.default_rng((17, number)).integers(len(trained), size=len(trained))
    inputs = plain_of_architectures([(t.architecture, t.parameters) for t in trained])
    basics = basics_of(trained)
    if basics.noise == 0:
        raise SystemExit(f"{task}: no architecture was trained with two random seeds and learned")
    emulator = Emulator([trained[i] for i in drawn], inputs[drawn], basics, number)

    def of(part: Callable[[Array], Array]) -> Callable[[NDArray[np.int64]], Array]:
        return lambda points: part(plain_of_points(space, points))

    return RealTruth(
        task, of(emulator.expected), of(emulator.learned), of(emulator.chances), basics
    )


def main() -> None:
    """Print the held-out errors; the last line is one JSON object."""
    made: dict[str, Any] = {}
    for task, trained in (read_tables(Path(sys.argv[1])) if sys.argv[1:] else tables()).items():
        made[task] = {k: round(v, 4) for k, v in held_out(trained).items()}
        print(task, made[task])
    print(json.dumps(made))


if __name__ == "__main__":
    main()
