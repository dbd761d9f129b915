"""What early stopping costs and saves: searches replayed on known learning curves.

    python tests/benchmarks/early_stopping.py              # real curves of data/trainings-*
    python tests/benchmarks/early_stopping.py --simulated  # also curves made from problems.py

A search is replayed without training: the surrogate of `autopelt.search` chooses among the
architectures whose curves are known, their scores are revealed epoch by epoch, and at each rung a
rule may stop the trial.

none  every trial is trained to the end
ours  the rule of `autopelt.samplers.early_stopping`
asha  the best third at each rung goes on, by the score alone, whatever the size (eta = 3)

Hypervolume is that of the trials that were trained to the end, over the budget and the score of the
head alone. On real curves it is of observed scores, on simulated ones of true scores. The last line
is one JSON object; of each rule it has, as shares of the search without stopping:

hypervolume  after the same number of trials
epochs       trained in that many trials
same_epochs  hypervolume where the search goes on until it has used as many epochs as `none`
to_99        epochs until 99 % of the final hypervolume of `none` are reached (null: never)
"""

import argparse
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from problems import CHANCE, KINDS, NOISE, Problem, problem

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.first_seeds import default_seeds
from autopelt.architecture.seeds import seed_architecture
from autopelt.samplers.acquisition import BoxDecomposition, decades
from autopelt.samplers.curves import extrapolate
from autopelt.samplers.early_stopping import Curve, reason_to_stop
from autopelt.samplers.features import Features
from autopelt.samplers.history import Observation
from autopelt.samplers.model import Model
from autopelt.samplers.surrogate import Surrogate
from autopelt.space.bound import BoundSpace
from autopelt.space.points import feasible_neighbours, sample_feasible, unique_points
from autopelt.statistics.pareto import front, hypervolume
from autopelt.study.rungs import rungs

Array = NDArray[np.float64]

SIMULATED = ("structured", "rough", "sparse")
RULES = ("none", "ours", "asha")
SEEDS = 8
START = 8
ETA = 3
FEWEST = 40


@dataclass(frozen=True)
class Entry:
    """An architecture whose learning curve is known.

    Attributes:
        scores: after each epoch.
        value: what counts for the hypervolume.
        seed: a seed architecture, trained first and never stopped.
    """

    architecture: Architecture
    parameters: int
    scores: tuple[float, ...]
    value: float
    seed: bool = False


@dataclass(frozen=True)
class Pool:
    """What a replayed search may choose from."""

    name: str
    space: BoundSpace
    entries: tuple[Entry, ...]
    floor: float

    @property
    def epochs(self) -> int:
        """Epochs of a whole trial."""
        return len(self.entries[0].scores)

    def hypervolume(self, chosen: list[int]) -> float:
        """Of entries trained to the end."""
        points = [(self.entries[i].parameters, self.entries[i].value) for i in chosen]
        return hypervolume(points, self.space.limit, self.floor)


@dataclass
class Replay:
    """A search on a pool, its state, and what it had after each trial."""

    pool: Pool
    rule: str
    random_seed: int
    curves: dict[int, Curve] = field(default_factory=dict)
    epochs: int = 0
    path: list[tuple[int, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Draw the order of the start; both rules of a random seed share it."""
        rng = np.random.default_rng((5, self.random_seed))
        entries = self.pool.entries
        seeds = [i for i, e in enumerate(entries) if e.seed]
        others = [i for i, e in enumerate(entries) if not e.seed]
        self.first = [*seeds[:SEEDS], *rng.permutation(others)[:START].tolist()]
        self.model = Model(self.pool.space, Features(self.pool.space))
        self.features = self.model.features.of(
            [Observation(i, e.architecture, e.parameters, None) for i, e in enumerate(entries)]
        )
        self._fitted: tuple[int, Surrogate] | None = None

    def run(self, trials: int, most_epochs: float = math.inf) -> None:
        """Go on until so many trials were begun, or so many epochs were trained."""
        while len(self.curves) < min(trials, len(self.pool.entries)) and self.epochs < most_epochs:
            self._train(self._next())
            complete = [i for i, c in self.curves.items() if c.complete]
            self.path.append((self.epochs, self.pool.hypervolume(complete)))

    def _next(self) -> int:
        if len(self.curves) < len(self.first):
            return self.first[len(self.curves)]
        surrogate = self._surrogate()
        entries = self.pool.entries
        means = surrogate.predict(self.features[list(self.curves)]).mean
        costs = decades([e.parameters for e in entries])[:, None]
        reference = decades([self.pool.space.limit])
        boxes = BoxDecomposition.of(costs[list(self.curves)], means, reference, self.pool.floor)
        rest = [i for i in range(len(entries)) if i not in self.curves]
        posterior = surrogate.predict(self.features[rest])
        values = boxes.expected_improvement(posterior.expected_improvement, costs[rest])
        return rest[int(values.argmax())]

    def _surrogate(self) -> Surrogate:
        """Of all trials so far, stopped ones with what they would probably have ended with."""
        if self._fitted is None or self._fitted[0] != len(self.curves):
            complete = [c.scores for c in self.curves.values() if c.complete]
            seen = []
            for i, curve in self.curves.items():
                score, variance = curve.best, 0.0
                if not curve.complete:
                    ahead = extrapolate(curve.scores, complete)
                    if ahead is None:
                        continue
                    score, variance = ahead.mean, ahead.variance
                entry = self.pool.entries[i]
                seen.append(
                    Observation(i, entry.architecture, entry.parameters, None, score, variance)
                )
            seen.sort(key=lambda o: o.variance > 0)
            self._fitted = (len(self.curves), self.model.fitted(seen))
        return self._fitted[1]

    def _train(self, chosen: int) -> None:
        entry = self.pool.entries[chosen]
        for epoch in range(1, self.pool.epochs + 1):
            self.epochs += 1
            curve = Curve(entry.parameters, entry.scores[:epoch], epoch == self.pool.epochs)
            if epoch in rungs(self.pool.epochs) and not entry.seed and self._stops(curve, chosen):
                break
        self.curves[chosen] = curve

    def _stops(self, curve: Curve, chosen: int) -> bool:
        others = list(self.curves.values())
        if self.rule == "asha":
            rung = len(curve.scores)
            at_rung = sorted(max(o.scores[:rung]) for o in others if len(o.scores) >= rung)
            return len(at_rung) >= ETA and curve.best < np.quantile(at_rung, 1 - 1 / ETA)
        if self.rule == "none" or sum(o.complete for o in others) < 3:
            return False

        def prediction() -> tuple[float, float]:
            surrogate = self._surrogate()
            score = surrogate.predict(self.features[[chosen]])
            return float(score.mean[0]), math.hypot(float(score.deviation[0]), surrogate.noise)

        reason = reason_to_stop(
            curve,
            others,
            limit=self.pool.space.limit,
            reference_score=self.pool.floor,
            single=False,
            prediction=prediction,
        )
        return bool(reason)


def compare(pool: Pool, rule: str, random_seed: int, trials: int, none: Replay) -> dict[str, float]:
    """A rule against no stopping from the same start."""
    full, most = none.path[trials - 1][1], none.path[trials - 1][0]
    made = Replay(pool, rule, random_seed)
    made.run(trials)
    epochs, value = made.path[-1]
    stopped = sum(not c.complete for c in made.curves.values())
    made.run(len(pool.entries), most)
    reached = [e for e, v in made.path if v >= 0.99 * full]
    return {
        "hypervolume": value / full,
        "epochs": epochs / most,
        "stopped": stopped / trials,
        "same_epochs": max(v for e, v in made.path if e <= most) / full,
        "to_99": reached[0] / most if reached else math.nan,
    }


# ---------------------------------------------------------------------- curves
def real_pools(folder: Path) -> Iterator[Pool]:
    """One pool a table that has enough architectures, random seed 0."""
    from real_table import bound_space

    space = bound_space("1%")
    seeds = {seed_architecture(name, space.shapes).id for name in default_seeds(space.shapes)}
    for path in sorted(folder.glob("trainings-*.parquet")):
        rows = pd.read_parquet(path)
        rows = rows[rows["random_seed"] == 0]
        if len(rows) < FEWEST:
            continue
        longest = rows["scores"].map(len).max()
        entries: dict[str, Entry] = {}
        for row in rows[rows["scores"].map(len) == longest].itertuples():
            architecture = Architecture.from_json(row.architecture)
            seed = architecture.id in seeds
            scores = tuple(row.scores.tolist())
            entries[architecture.id] = Entry(
                architecture, int(row.deployed), scores, row.score, seed
            )
        alone = [e.value for e in entries.values() if not e.architecture.modules]
        floor = max(alone, default=min(e.value for e in entries.values()))
        yield Pool(path.stem.removeprefix("trainings-"), space, tuple(entries.values()), floor)


def simulated_pool(case: Problem, epochs: int, late: float) -> Pool:
    """Saturating curves with noise; a share of `late` ones lies at chance for a while first."""
    rng = np.random.default_rng((13, case.number, KINDS.index(case.kind), epochs))
    points = np.concatenate([np.array(case.starts), sample_feasible(case.space, rng, 150)])
    for _ in range(3):
        values = list(
            zip(case.space.costs(points).tolist(), case.truth(points).tolist(), strict=True)
        )
        best = points[front(values)]
        near = [feasible_neighbours(case.space, p.tolist(), rng, 8) for p in best]
        some = rng.permutation(np.concatenate(near))[:60]
        points = unique_points(np.concatenate([points, some]))
    entries = []
    starts = {tuple(v) for v in case.starts[:SEEDS]}
    for point, truth in zip(points.tolist(), case.truth(points).tolist(), strict=True):
        delay = float(rng.integers(1, max(2, epochs // 2))) if rng.random() < late else 0.0
        slow = float(rng.uniform(0.7, 2.5))
        time = np.maximum(0, np.arange(1, epochs + 1) - delay)
        shape = (1 - np.exp(-time / slow)) / (1 - math.exp(-(epochs - delay) / slow))
        scores = CHANCE + (truth - CHANCE) * shape + rng.normal(0, NOISE, epochs)
        architecture = case.space.decode(point)
        seed = tuple(point) in starts
        entries.append(
            Entry(architecture, case.space.cost(point), tuple(scores.tolist()), truth, seed)
        )
    return Pool(f"{case.kind} {case.number}, {epochs} epochs", case.space, tuple(entries), CHANCE)


def main() -> None:
    """Replay, print a table, end with JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(__file__).parent / "data"
    parser.add_argument("--tables", type=Path, default=default, help="folder of trainings-*")
    parser.add_argument("--simulated", action="store_true", help="also simulated curves")
    parser.add_argument("--only-simulated", action="store_true")
    parser.add_argument("--random-seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=60, help="at most two thirds of a pool")
    parser.add_argument("--epochs", type=int, default=8, help="of simulated curves")
    parser.add_argument("--rules", default=",".join(RULES[1:]))
    given = parser.parse_args()
    torch.set_num_threads(1)
    pools: list[Callable[[], Pool]] = []
    if not given.only_simulated:
        pools += [lambda pool=pool: pool for pool in real_pools(given.tables)]
    if given.simulated or given.only_simulated:
        pools += [
            lambda kind=kind: simulated_pool(problem(kind, 0, rounds=0), given.epochs, 0.15)
            for kind in SIMULATED
        ]
    summary: dict[str, dict[str, dict[str, float | None]]] = {}
    for make in pools:
        pool = make()
        trials = min(given.trials, len(pool.entries) * 2 // 3)
        results: dict[str, list[dict[str, float]]] = {}
        for random_seed in range(given.random_seeds):
            none = Replay(pool, "none", random_seed)
            none.run(trials)
            full, most = none.path[-1][1], none.path[-1][0]
            own = next(e for e, v in none.path if v >= 0.99 * full) / most
            results.setdefault("none", []).append(
                {"hypervolume": 1.0, "epochs": 1.0, "stopped": 0.0, "same_epochs": 1.0,
                 "to_99": own}
            )  # fmt: skip
            for rule in given.rules.split(","):
                found = compare(pool, rule, random_seed, trials, none)
                results.setdefault(rule, []).append(found)
                shown = "  ".join(f"{k} {v:.3f}" for k, v in found.items())
                print(f"{pool.name} · {random_seed} {rule:<5} {shown}", flush=True)
        summary[pool.name] = {"pool": {"architectures": len(pool.entries), "trials": trials}} | {
            rule: {key: _mean([row[key] for row in rows]) for key in rows[0]}
            for rule, rows in results.items()
        }
        for rule, means in summary[pool.name].items():
            print(f"{pool.name} · mean {rule:<5} {means}", flush=True)
    print(json.dumps(summary))


def _mean(values: list[float]) -> float | None:
    """None where one of them is missing, as a mean would hide it."""
    return None if any(map(math.isnan, values)) else round(float(np.mean(values)), 4)


if __name__ == "__main__":
    main()
