"""A table of real trainings: architectures on a real backbone and real data, a score every epoch.

    python tests/benchmarks/real_table.py --task sst2 --data GLUE --rows 1000
    python tests/benchmarks/real_table.py --task stsb --data GLUE --rows 400

Rows are kept in `data/trainings-TASK.parquet`, which is replaced after every architecture, so the
command can be stopped and given again at any time; `--rows` is the total of a task. What is trained
next depends on the rows alone. Of every five architectures

- two are made by hand (`HAND_MADE`), shrunk to 0.1 %, 1 % and 0.3 % of the backbone, with a sweep
  of learning rates (`RATES`),
- one lies a few moves away from one of the best rows so far,
- one is random and feasible, at a random rate,
- one is what `PELTSampler` proposes after the rows so far, for the best score and for the front in
  turn, under one of the three budgets.

Every fifth architecture is trained with three random seeds, every twentieth with five: that is the
table's noise. `docs/training-table.md` says what the columns mean. `problems` fits its *real* kind
to the tables, `early_stopping` replays their learning curves.
"""

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Budget
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import seed_architecture, shrink
from autopelt.backbones.load import load_config
from autopelt.backbones.shapes import shapes_of_config
from autopelt.backbones.source import resolve
from autopelt.samplers import PELTSampler
from autopelt.samplers.history import History, Observation
from autopelt.space.bound import BoundSpace, NotInSpaceError
from autopelt.space.points import feasible_neighbours, sample_feasible
from autopelt.space.space import SearchSpace
from autopelt.study.config import StudyConfig, TrainingConfig, derived_seed
from autopelt.training.context import Context
from autopelt.training.loop import release, train_epochs
from autopelt.training.results import TrialFailure
from autopelt.training.shared_arrays import private_cache, shared_arrays
from autopelt.training.spec import Setup

DATA = Path(__file__).parent / "data"
BUDGETS = ("0.1%", "1%", "0.3%")
RATES = (2.0, 4.0, 1.0, 8.0, 0.5, 16.0)
"""Factors on the methods' own learning rates, the likeliest first: at first three of them."""
HAND_MADE = (
    "sapa", "adapter-pfeiffer", "lora-r8", "unipelt", "adapter-parallel", "prefix-10", "pt-unipelt",
    "adapterdrop-3", "lora-r2", "adapter-houlsby", "mam", "lora-r32", "head-only",
)  # fmt: skip
PARENTS = 10
"""Moves begin at one of this many of the best architectures."""
ENOUGH = 15
"""So many architectures are known before the model proposes."""


def path_of(task: str, folder: Path = DATA) -> Path:
    """The table of a task."""
    return folder / f"trainings-{task}.parquet"


def read(path: Path) -> pd.DataFrame:
    """All rows so far; empty where there is no table yet."""
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame()


def write(rows: pd.DataFrame, path: Path) -> None:
    """Replace a table, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    rows.to_parquet(partial, compression="zstd", index=False)
    partial.replace(path)


def bound_space(budget: str) -> BoundSpace:
    """The default space on the default backbone under a budget."""
    shapes = shapes_of_config(load_config(resolve("minilm")))
    counter = ShapeCounter(shapes)
    limit = Budget.parse(budget).limit(shapes.backbone_parameters)
    return BoundSpace(SearchSpace.load("pelt"), shapes, counter, limit)


def by_hand(space: dict[str, BoundSpace]) -> Iterator[tuple[str, Architecture]]:
    """Hand-made architectures under every budget at every rate, the usual ones first."""
    for rates in (RATES[:3], RATES[3:]):
        for name in HAND_MADE:
            for budget, bound in space.items():
                fitted = shrink(seed_architecture(name, bound.shapes), bound.counter, bound.limit)
                for rate in rates if fitted is not None else ():
                    yield f"{name} {budget}", replace(fitted, learning_rate_multiplier=rate)


def seeds_of(rows: pd.DataFrame) -> range:
    """Random seeds of the next architecture, given the rows so far."""
    distinct = rows["architecture"].nunique() if len(rows) else 0
    return range(5 if distinct % 20 == 0 else 3 if distinct % 5 == 0 else 1)


class Plan:
    """What to train next, given the rows so far.

    Args:
        spaces: the default space under each of the budgets.
    """

    def __init__(self, spaces: dict[str, BoundSpace]) -> None:
        self.spaces = spaces
        self.hand = list({a.id: (n, a) for n, a in by_hand(spaces)}.values())

    def next(self, rows: pd.DataFrame, failed: int) -> tuple[str, str, Architecture]:
        """Source, name and architecture.

        Args:
            failed: architectures since the last row that failed or were known already; another
                number is another choice.
        """
        known = dict.fromkeys(rows["architecture"]) if len(rows) else {}
        rng = np.random.default_rng(derived_seed(0, "real table", len(known), failed))
        kind = (len(known) + failed) % 5
        budget = BUDGETS[int(rng.integers(len(BUDGETS)))]
        space = self.spaces[budget]
        if kind in (0, 2):
            for name, architecture in self.hand:
                if architecture.to_json() not in known:
                    return "hand", name, architecture
        if kind == 1 and len(known) > 5:
            return "moves", budget, self._moved(rows, space, rng)
        if kind == 4 and len(known) > ENOUGH:
            return "model", budget, self._proposed(rows, space, rng)
        architecture = space.decode(sample_feasible(space, rng, 1)[0].tolist())
        return "random", budget, _at_random_rate(architecture, rng)

    def _moved(
        self, rows: pd.DataFrame, space: BoundSpace, rng: np.random.Generator
    ) -> Architecture:
        """One to five moves and a change of rate away from a good architecture."""
        fitting = rows[rows["deployed"] <= space.limit].sort_values("score", ascending=False)
        vectors = []
        for text in fitting["architecture"].drop_duplicates():
            try:
                plain = replace(Architecture.from_json(text), learning_rate_multiplier=1.0)
                vectors.append((Architecture.from_json(text), space.encode(plain)))
            except NotInSpaceError:
                continue
        if not vectors:
            return space.decode(sample_feasible(space, rng, 1)[0].tolist())
        parent, vector = vectors[int(rng.integers(min(len(vectors), PARENTS)))]
        for _ in range(int(rng.integers(1, 6))):
            near = feasible_neighbours(space, vector).tolist()
            vector = near[int(rng.integers(len(near)))]
        rate = parent.learning_rate_multiplier * 2 ** float(rng.integers(-4, 5) / 4)
        return replace(space.decode(vector), learning_rate_multiplier=min(32.0, max(0.125, rate)))

    def _proposed(
        self, rows: pd.DataFrame, space: BoundSpace, rng: np.random.Generator
    ) -> Architecture:
        """What the sampler proposes after the rows so far."""
        observed = []
        for number, row in enumerate(rows.itertuples()):
            architecture = Architecture.from_json(row.architecture)
            try:
                vector = space.encode(architecture)
            except NotInSpaceError:
                vector = None
            observed.append(
                Observation(number, architecture, int(row.deployed), vector, float(row.score))
            )
        seen = [o.vector for o in observed if o.vector is not None]
        history = History(observed=observed, seen=seen, modelled=True)
        sampler = PELTSampler(space, random_seed=0, start=0, share=0)
        single = bool(rng.integers(2))
        return space.decode(sampler.propose(history, rng, single).vector)


def _at_random_rate(architecture: Architecture, rng: np.random.Generator) -> Architecture:
    return replace(architecture, learning_rate_multiplier=2 ** float(rng.integers(-8, 17) / 4))


class Losses:
    """What a training says beside its scores, from the same forward passes.

    Args:
        task: its `predictions` and its `loss` are watched from now on.
    """

    def __init__(self, task: Any) -> None:
        self._sum, self._count = 0.0, 0
        self._steps: list[float] = []
        inner, inner_loss = task.predictions, task.loss

        def loss(outputs: Any, batch: Any) -> torch.Tensor:
            found: torch.Tensor = inner_loss(outputs, batch)
            self._steps.append(round(float(found.detach()), 4))
            return found

        def predictions(outputs: Any, batch: Any) -> list[Any]:
            found: list[Any] = inner(outputs, batch)
            loss = float(task.loss_of_scores(outputs, batch))
            self._sum, self._count = self._sum + loss * len(found), self._count + len(found)
            return found

        object.__setattr__(task, "predictions", predictions)
        object.__setattr__(task, "loss", loss)

    def selection(self) -> float:
        """The mean of the selection split since it was last asked for."""
        mean = self._sum / max(1, self._count)
        self._sum, self._count = 0.0, 0
        return mean

    def steps(self) -> list[float]:
        """Of every training step since it was last asked for."""
        taken, self._steps = self._steps, []
        return taken


def main() -> None:
    """Read the command line and fill the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", default="sst2", help="name of a task (default: sst2)")
    parser.add_argument("--data", required=True, help="folder with the benchmark's files")
    parser.add_argument("--rows", type=int, default=1000, help="trainings in total")
    parser.add_argument("--train-examples", type=int, default=1500)
    parser.add_argument("--selection-examples", type=int, help="default: all")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--folder", type=Path, default=DATA, help="where the table is kept")
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))

    training = TrainingConfig(
        epochs=given.epochs,
        batch_size=given.batch_size,
        train_examples=given.train_examples,
        selection_examples=given.selection_examples,
        dropout=False,
        warmup=0.1,  # a table is of one way to train, whatever the defaults become
        schedule="linear",
        precision="fp32",  # the same on every processor
    )
    config = StudyConfig(
        task=given.task, data=given.data, space=SearchSpace.load("pelt"), training=training
    )
    context = Context(Setup.of(config))
    with private_cache(None) as cache:
        context.arrays = shared_arrays(cache)
        fill(given, context, training)


def fill(given: argparse.Namespace, context: Context, training: TrainingConfig) -> None:
    """Train and keep rows until there are enough."""
    path = path_of(given.task, given.folder)
    rows, failed = read(path), 0
    plan = Plan({budget: bound_space(budget) for budget in BUDGETS})
    losses = Losses(context.task)
    while len(rows) < given.rows:
        source, name, architecture = plan.next(rows, failed)
        if len(rows) and architecture.to_json() in set(rows["architecture"]):
            failed += 1
            continue
        seeds = seeds_of(rows)
        made = [train_one(context, training, architecture, seed, losses) for seed in seeds]
        new = [
            {"source": source, "name": name, "random_seed": seed} | row
            for seed, row in zip(seeds, made, strict=True)
            if row is not None
        ]
        failed = 0 if new else failed + 1
        for row in new:
            row |= {
                "task": given.task,
                "train_examples": given.train_examples,
                "epochs": given.epochs,
                "batch_size": given.batch_size,
                "selection_examples": len(context.splits["selection"].lengths),
            }
        rows = pd.concat([rows, pd.DataFrame(new)], ignore_index=True)
        write(rows, path)
        scores = [row["score"] for row in new]
        print(len(rows), source, name, architecture.describe(), scores, flush=True)


def train_one(
    context: Context,
    training: TrainingConfig,
    architecture: Architecture,
    random_seed: int,
    watched: Losses,
) -> dict[str, Any] | None:
    """One training as a row, or None where it failed."""
    begun = time.perf_counter()
    scores: list[float] = []
    losses: list[float] = []
    smooth: list[float] = []
    try:
        for epoch in train_epochs(context, architecture, training, random_seed):
            scores.append(round(epoch.score, 5))
            losses.append(round(epoch.loss, 5))
            smooth.append(round(watched.selection(), 5))
    except TrialFailure as failure:
        print(f"{architecture.describe()}: {failure}", flush=True)
        watched.selection()
        watched.steps()
        return None
    finally:
        release(context)
    count = ShapeCounter(shapes_of_config(context.model.config)).count(architecture)
    return {
        "architecture": architecture.to_json(),
        "rate": architecture.learning_rate_multiplier,
        "trained": count.trained,
        "deployed": count.deployed,
        "score": max(scores),
        "scores": scores,
        "selection_losses": smooth,
        "training_losses": losses,
        "step_losses": watched.steps(),
        "seconds": round(time.perf_counter() - begun, 1),
    }


if __name__ == "__main__":
    main()
