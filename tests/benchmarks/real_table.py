"""A table of real trainings: architectures on a real backbone and real data, a score every epoch.

    python tests/benchmarks/real_table.py --task cola --data GLUE --count 150   # about 45 s a row

Rows are appended to `data/real_table.csv` as they are trained, so the command can be stopped and
given again at any time; `--count` is the total of a task's architectures. First come the seed
architectures within the budget, then three random feasible ones for every two that were mutated
from the best rows so far, so that the table is dense where a search would go. Every tenth
architecture is trained with a second random seed as well: that is the table's noise.

`search_quality.py` fits its *real* kind of problem to the table, `early_stopping.py` replays its
learning curves.
"""

import argparse
import csv
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Budget
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.load import load_config
from autopelt.backbones.shapes import shapes_of_config
from autopelt.backbones.source import resolve
from autopelt.space.bound import BoundSpace
from autopelt.space.points import feasible_neighbours, sample_feasible
from autopelt.space.space import SearchSpace
from autopelt.study.config import StudyConfig, TrainingConfig, derived_seed
from autopelt.training.context import Context
from autopelt.training.loop import release, train_epochs
from autopelt.training.results import TrialFailure
from autopelt.training.shared_arrays import private_cache, shared_arrays
from autopelt.training.spec import Setup
from autopelt.workflows.plan import default_seeds

TABLE = Path(__file__).parent / "data" / "real_table.csv"
COLUMNS = (
    "task", "train_examples", "epochs", "batch_size", "learning_rate_factor", "random_seed",
    "architecture", "trained", "deployed", "scores", "losses", "seconds",
)  # fmt: skip
PARENTS = 10
"""Mutants descend from this many of the best rows."""


def read(path: Path = TABLE) -> list[dict[str, str]]:
    """All rows of the table, as text."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def append(row: dict[str, object], path: Path = TABLE) -> None:
    """Add one row, whole or not at all for a reader: a single write of one line."""
    new = not path.is_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def bound_space(budget: str) -> BoundSpace:
    """The default space on the default backbone under a budget."""
    shapes = shapes_of_config(load_config(resolve("minilm")))
    counter = ShapeCounter(shapes)
    limit = Budget.parse(budget).limit(shapes.backbone_parameters)
    return BoundSpace(SearchSpace.load("pelt"), shapes, counter, limit)


def architectures(space: BoundSpace, rows: list[dict[str, str]]) -> Iterator[Architecture]:
    """What to train next, for ever; `rows` is looked at anew each time."""
    for name in default_seeds(space.shapes):
        architecture = seed_architecture(name, space.shapes)
        if space.counter.count(architecture).deployed <= space.limit:
            yield architecture
    again = 0
    while True:
        place = len({row["architecture"] for row in rows})
        rng = np.random.default_rng(derived_seed(0, "real table", place, again))
        again += 1  # what failed is not proposed for ever
        if place % 5 < 3:
            yield space.decode(sample_feasible(space, rng, 1)[0].tolist())
            continue
        best = sorted(rows, key=lambda r: -max(json.loads(r["scores"])))[:PARENTS]
        vectors = []
        for row in best:
            try:
                vectors.append(space.encode(Architecture.from_json(row["architecture"])))
            except ValueError:  # a seed architecture that the space cannot say
                continue
        vector = (
            vectors[int(rng.integers(len(vectors)))]
            if vectors
            else sample_feasible(space, rng, 1)[0].tolist()
        )
        for _ in range(int(rng.integers(2, 6))):
            near = feasible_neighbours(space, vector).tolist()
            vector = near[int(rng.integers(len(near)))]
        yield space.decode(vector)


def main() -> None:
    """Read the command line and fill the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", default="cola", help="name of a task (default: cola)")
    parser.add_argument("--data", required=True, help="folder with the benchmark's files")
    parser.add_argument("--count", type=int, default=150, help="architectures in total")
    parser.add_argument("--train-examples", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--learning-rate-factor", type=float, default=2.0)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--budget", default="1%")
    parser.add_argument("--table", type=Path, default=TABLE)
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))

    training = TrainingConfig(
        epochs=given.epochs,
        batch_size=given.batch_size,
        learning_rate_factor=given.learning_rate_factor,
        train_examples=given.train_examples,
        max_length=given.max_length,
        dropout=False,
        precision="fp32",  # the same on every processor
    )
    config = StudyConfig(
        task=given.task, data=given.data, space=SearchSpace.load("pelt"), training=training
    )
    space = bound_space(given.budget)
    context = Context(Setup.of(config))
    with private_cache(None) as cache:
        context.arrays = shared_arrays(cache)
        fill(given, context, space, training)


def fill(
    given: argparse.Namespace, context: Context, space: BoundSpace, training: TrainingConfig
) -> None:
    """Train and append rows until there are enough."""
    rows = [row for row in read(given.table) if row["task"] == given.task]
    source = architectures(space, rows)
    while True:
        known = {(row["architecture"], row["random_seed"]) for row in rows}
        distinct = sorted({a for a, _ in known})
        if len(distinct) >= given.count:
            break
        architecture = next(source)
        seeds = (0, 1) if len(distinct) % 10 == 0 else (0,)
        for random_seed in seeds:
            if (architecture.to_json(), str(random_seed)) in known:
                continue
            begun = time.perf_counter()
            scores: list[float] = []
            losses: list[float] = []
            try:
                for epoch in train_epochs(context, architecture, training, random_seed):
                    scores.append(round(epoch.score, 5))
                    losses.append(round(epoch.loss, 5))
            except TrialFailure as failure:
                print(f"{architecture.describe()}: {failure}", flush=True)
            finally:
                release(context)
            count = space.counter.count(architecture)
            row = {
                "task": given.task,
                "train_examples": given.train_examples,
                "epochs": given.epochs,
                "batch_size": given.batch_size,
                "learning_rate_factor": given.learning_rate_factor,
                "random_seed": random_seed,
                "architecture": architecture.to_json(),
                "trained": count.trained,
                "deployed": count.deployed,
                "scores": json.dumps(scores),
                "losses": json.dumps(losses),
                "seconds": round(time.perf_counter() - begun, 1),
            }
            if scores:
                append(row, given.table)
                rows.append({key: str(value) for key, value in row.items()})
            print(len(distinct) + 1, architecture.describe(), scores, row["seconds"], flush=True)


if __name__ == "__main__":
    main()
