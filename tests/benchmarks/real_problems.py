"""Search problems of the *real* kind: an emulator of real trainings, fitted to `real_table.csv`.

    python tests/benchmarks/real_problems.py        # the emulator's held-out errors, 1 minute

The table (see `real_table`) has the scores of architectures that were trained for real. One problem
is one task and one bootstrap resample of its architectures; the emulator fitted to them is the
truth, its space is `pelt` on MiniLM under 1 %. A score is the truth plus noise of the size that
architectures trained with two random seeds show.

The emulator is no Gaussian process and knows nothing of depth: extremely randomised trees on plain
numbers (every size and gate, sums of each method and each layer, parameters). So it shares no
assumption with our surrogate; what it does not know of real trainings it cannot show either, hence
the errors printed here.
"""

import csv
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor

from autopelt.architecture.architecture import Architecture
from autopelt.space.bound import BoundSpace

Array = NDArray[np.float64]

TABLE = Path(__file__).parent / "data" / "real_table.csv"
LAYERS, HIDDEN = 6, 384
FEWEST = 40
WAY = ("train_examples", "epochs", "batch_size", "learning_rate_factor")
COLUMNS = (
    "sequential_adapter ffn", "parallel_adapter ffn", "prefix attention",
    "lora attention.query", "lora attention.value", "sequential_adapter attention",
)  # fmt: skip


@dataclass(frozen=True)
class Trained:
    """One architecture of the table, its trainings put together.

    Attributes:
        scores: best score over epochs, one for each random seed.
    """

    architecture: Architecture
    parameters: int
    scores: tuple[float, ...]


def read_table(path: Path | None = None) -> dict[str, list[Trained]]:
    """Architectures by task, in the order in which they were first trained.

    What was trained in another way (examples, epochs, rates) than most of a task is left out, and
    so is a task of fewer than 40 architectures.
    """
    path = path or TABLE
    if not path.is_file():
        raise SystemExit(f"no table {path}: make one with real_table.py, or give other --kinds")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    made: dict[str, list[Trained]] = {}
    for task in sorted({row["task"] for row in rows}):
        mine = [row for row in rows if row["task"] == task]
        ways = [tuple(row[key] for key in WAY) for row in mine]
        way = max(sorted(set(ways)), key=ways.count)
        found: dict[str, Trained] = {}
        for row in (r for r, w in zip(mine, ways, strict=True) if w == way):
            scores = [float(s) for s in json.loads(row["scores"])]
            if not scores:
                continue
            before = found.get(row["architecture"])
            found[row["architecture"]] = Trained(
                Architecture.from_json(row["architecture"]),
                int(row["deployed"]),
                (*(before.scores if before else ()), max(scores)),
            )
        if len(found) >= FEWEST:
            made[task] = list(found.values())
    if not made:
        raise SystemExit(f"{path} has no task with {FEWEST} architectures yet")
    return made


def noise_of(trained: Sequence[Trained]) -> float:
    """Deviation between trainings of one architecture, from those trained more than once."""
    squares = [np.var(t.scores, ddof=1) for t in trained if len(t.scores) > 1]
    return float(np.sqrt(np.mean(squares))) if squares else 0.0


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
def fitted(inputs: Array, scores: Array, random_seed: int) -> ExtraTreesRegressor:
    """Trees on (n, F) inputs and (n,) scores."""
    model = ExtraTreesRegressor(
        150, min_samples_leaf=2, max_features=0.5, random_state=random_seed, n_jobs=1
    )
    return model.fit(inputs, scores)


def held_out(trained: Sequence[Trained], folds: int = 10) -> dict[str, float]:
    """Errors of the emulator on architectures that it was not fitted to.

    Returns:
        ``rmse``, ``r2``, ``rank`` (Spearman's), and ``noise``, which no emulator can go below.
    """
    from scipy.stats import spearmanr

    inputs = plain_of_architectures([(t.architecture, t.parameters) for t in trained])
    scores = np.array([np.mean(t.scores) for t in trained])
    fold = np.random.default_rng(0).permutation(len(trained)) % folds
    predicted = np.zeros(len(trained))
    for f in range(folds):
        rest = fold != f
        predicted[~rest] = fitted(inputs[rest], scores[rest], 0).predict(inputs[~rest])
    error = predicted - scores
    return {
        "architectures": len(trained),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "sd": float(scores.std()),
        "r2": 1 - float(np.mean(error**2) / scores.var()),
        "rank": float(spearmanr(predicted, scores).statistic),
        "noise": noise_of(trained),
    }


@cache
def tables() -> dict[str, list[Trained]]:
    """The table, read once."""
    return read_table()


@dataclass(frozen=True)
class RealTruth:
    """What a problem is made of.

    Attributes:
        truth: emulated score of points, (n, D) -> (n,).
        floor: score of the head alone (the least of the table where that was not trained).
        noise: deviation of a training.
    """

    task: str
    truth: Callable[[NDArray[np.int64]], Array]
    floor: float
    noise: float


def real_truth(space: BoundSpace, number: int) -> RealTruth:
    """Task and bootstrap resample `number`; the same every time for the same table."""
    found = tables()
    task = sorted(found)[number % len(found)]
    trained = found[task]
    drawn = np.random.default_rng((17, number)).integers(len(trained), size=len(trained))
    inputs = plain_of_architectures([(t.architecture, t.parameters) for t in trained])
    scores = np.array([np.mean(t.scores) for t in trained])
    emulator = fitted(inputs[drawn], scores[drawn], number)
    alone = [float(np.mean(t.scores)) for t in trained if not t.architecture.modules]
    noise = noise_of(trained)
    if noise == 0:
        raise SystemExit(f"{TABLE}: no architecture of {task} was trained with two random seeds")

    def truth(points: NDArray[np.int64]) -> Array:
        return np.asarray(emulator.predict(plain_of_points(space, points)))

    return RealTruth(task, truth, alone[0] if alone else float(scores.min()), noise)


def main() -> None:
    """Print the held-out errors; the last line is one JSON object."""
    made: dict[str, Any] = {}
    for task, trained in (read_table(Path(sys.argv[1])) if sys.argv[1:] else tables()).items():
        made[task] = {k: round(v, 4) for k, v in held_out(trained).items()}
        print(task, made[task])
    print(json.dumps(made))


if __name__ == "__main__":
    main()
