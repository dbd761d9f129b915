"""What one pass over the examples knows before any training: saliency as prior, as seed, as ranks.

    python tests/benchmarks/saliency.py --data GLUE table               # against real trainings
    python tests/benchmarks/saliency.py --data GLUE search --kind real  # searches with and without
    python tests/benchmarks/saliency.py search --kind structured        # with a perfect one
    python tests/benchmarks/saliency.py ranks                           # LoRA given out by it

The saliency of a site is what the first step of AdamW is expected to gain there, to first order: a
method's learning rate times the L1 norm of the mean gradient of a module of size 8, at its start,
under a fresh task head, over 256 examples. An architecture's is the sum over its modules of
saliency times log2(1 + size). As a prior it is a column of the surrogate like that of a warm start,
with a coefficient that the evidence decides on; as a seed it is the budget spent greedily by it. On
a synthetic problem it is the true gain of each module alone, or the same values dealt at random.
"""

import argparse
import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import optuna
import torch
from numpy.typing import NDArray
from problems import Problem, problem, starting_point
from real_problems import basics_of, tables
from scipy.stats import rankdata, spearmanr

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import seed_architecture, shrink
from autopelt.backbones.head import reset_head
from autopelt.backbones.shapes import shapes_of_model
from autopelt.methods import METHODS
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach, attachment, detach
from autopelt.modules.pelt import Pelt
from autopelt.samplers import PELTSampler, suggest
from autopelt.samplers.features import Features
from autopelt.space.bound import BoundSpace
from autopelt.space.points import sample_feasible
from autopelt.space.space import SearchSpace
from autopelt.space.tables import Vector
from autopelt.study.config import StudyConfig, TrainingConfig, derived_seed
from autopelt.training.context import Context
from autopelt.training.loop import release, train_epochs
from autopelt.training.shared_arrays import private_cache
from autopelt.training.spec import Setup

Array = NDArray[np.float64]
Site = tuple[str, str, int | None]
Saliency = Mapping[Site, float]

SIZE, EXAMPLES, BATCH = 8, 256, 8
MARKS = (12, 20, 50)
MANY = TrainingConfig(train_examples=1000)
PLACES = {
    "lora": (
        *("attention.query", "attention.key", "attention.value", "attention.output"),
        *("ffn.in", "ffn.out"),
    ),
    "sequential_adapter": ("ffn", "attention"),
    "parallel_adapter": ("ffn",),
    "prefix": ("attention",),
}


# ---------------------------------------------------------------------- the saliency
def context_of(task: str, data: str | None, training: TrainingConfig) -> Context:
    """Model and data of a task."""
    space = SearchSpace.load("pelt")
    return Context(Setup.of(StudyConfig(task=task, data=data, space=space, training=training)))


def saliency(context: Context, measure: Callable[[torch.Tensor], float]) -> dict[Site, float]:
    """A measure of the mean gradient of a module at every site, one pass a method."""
    reset_head(context.model, derived_seed(0, "head"), context.prior)
    examples = np.random.default_rng(0).permutation(len(context.splits["train"].lengths))
    batches = examples[:EXAMPLES].reshape(-1, BATCH).tolist()
    found: dict[Site, float] = {}
    for method, places in PLACES.items():
        layers = range(shapes_of_model(context.model).layers)
        modules = [Module(method, at, layer, SIZE) for at in places for layer in layers]
        attach(context.model, Architecture(tuple(modules)))
        context.model.eval()
        for batch in (context.batch("train", indices) for indices in batches):
            task = context.task
            loss = task.loss(context.model(**task.inputs(batch)), batch) / len(batches)
            loss.backward()
        for part in attachment(context.model).parts.values():
            if isinstance(part, Pelt):
                gradients = [p.grad.flatten() for p in part.parameters() if p.grad is not None]
                key = (method, part.spec.location, part.spec.layer)
                found[key] = METHODS[method].learning_rate * measure(torch.cat(gradients))
        detach(context.model)
        context.model.zero_grad()
    return found


def first_step(gradient: torch.Tensor) -> float:
    """The L1 norm: what a step by the signs gains."""
    return float(gradient.abs().sum())


def worth(of: Saliency, architecture: Architecture) -> float:
    """The sum over an architecture's modules."""
    return sum(
        of.get((m.method, m.location, m.layer), 0.0) * float(np.log2(1 + m.size))
        for m in architecture.modules
    )


# ---------------------------------------------------------------------- against the table
def against_the_table(context: Context) -> dict[str, float]:
    """Rank correlations with real trainings on CoLA."""
    trained = tables()["cola"]
    scores = np.array([np.mean(t.scores) for t in trained])
    sizes = np.log10([1 + t.parameters for t in trained])
    rates = np.log2([t.architecture.learning_rate_multiplier for t in trained])
    made = {"parameters": float(spearmanr(sizes, scores).statistic)}
    effects = _effects([t.architecture for t in trained], scores, sizes, rates)
    measures = {"first step": first_step, "squared": lambda g: float(g.square().sum())}
    for name, measure in measures.items():
        found = saliency(context, measure)
        values = np.array([worth(found, t.architecture) for t in trained])
        made[name] = float(spearmanr(values, scores).statistic)
        made[f"{name}, given parameters and rate"] = _partial(values, scores, sizes, rates)
        learned = scores > basics_of(trained).threshold
        given = [v[learned] for v in (values, scores, sizes, rates)]
        made[f"{name}, given both, of what learned"] = _partial(*given)
        pairs = [(found[site], effect) for site, effect in effects.items()]
        made[f"{name}, of {len(pairs)} sites' effects"] = float(spearmanr(pairs).statistic)
    return made


def _effects(made: Sequence[Architecture], scores: Array, *given: Array) -> dict[Site, float]:
    """What a doubling of each site's size adds to a score, by ridge regression; of common sites."""
    count = Counter((m.method, m.location, m.layer) for a in made for m in a.modules)
    common = [site for site, n in count.items() if n >= 5 and site[2] is not None]
    columns = {site: n for n, site in enumerate(common)}
    sizes = np.zeros((len(made), len(common)))
    for n, architecture in enumerate(made):
        for m in architecture.modules:
            if (at := columns.get((m.method, m.location, m.layer))) is not None:
                sizes[n, at] = np.log2(1 + m.size)
    x = np.concatenate([sizes, np.stack(given, axis=1)], axis=1)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    weights = np.linalg.solve(x.T @ x + 10 * np.eye(x.shape[1]), x.T @ (scores - scores.mean()))
    return dict(zip(common, (weights[: len(common)] / sizes.std(axis=0)).tolist(), strict=True))


def _partial(values: Array, scores: Array, *given: Array) -> float:
    """Rank correlation of what the ranks of `given` (and their squares) do not foretell."""
    ranks = [rankdata(g) / len(g) for g in given]
    known = np.stack([np.ones(len(scores)), *ranks, *(r**2 for r in ranks)], axis=1)
    left = [
        r - known @ np.linalg.lstsq(known, r, rcond=None)[0]
        for r in map(rankdata, (values, scores))
    ]
    return float(np.corrcoef(*left)[0, 1])


# ---------------------------------------------------------------------- searches
class Column:
    """The column of the surrogate: `worth`, standardised over random architectures.

    It is linear in the features, so a sample gives its coefficients.
    """

    def __init__(self, space: BoundSpace, features: Features, of: Saliency) -> None:
        sample = sample_feasible(space, np.random.default_rng(0), 3 * features.width)
        values = np.array([worth(of, space.decode(v)) for v in sample.tolist()])
        values = (values - values.mean()) / values.std()
        self._weights = np.linalg.lstsq(_with_one(features.of(sample)), values, rcond=None)[0]

    def standardised(self, features: Array) -> Array:
        """(n, F) -> (n,)."""
        return np.asarray(_with_one(features) @ self._weights)


def _with_one(features: Array) -> Array:
    return np.concatenate([features, np.ones((len(features), 1))], axis=1)


def spent(space: BoundSpace, of: Saliency) -> Vector:
    """The budget of a space spent by saliency a parameter, one size after another."""
    point = list(space.canonical([0] * len(space.dimensions)))
    if space.multiplier is not None:
        point[space.multiplier] = space.dimensions[space.multiplier].values.index(1.0)
    while True:
        now, price = worth(of, space.decode(point)), space.cost(point)
        best, highest = None, 0.0
        for i, places in space.places.items():
            if places[0][0] is None or point[i] + 1 == len(space.dimensions[i].values):
                continue
            larger = [value + (i == at) for at, value in enumerate(point)]
            if (cost := space.cost(larger)) <= space.limit:
                gain = (worth(of, space.decode(larger)) - now) / (cost - price)
                best, highest = (larger, gain) if gain > highest else (best, highest)
        if best is None:
            return space.canonical(point)
        point = best


def true_gains(case: Problem) -> dict[Site, float]:
    """Of a synthetic problem what the fourth size of each module gains alone."""
    zero = np.zeros(len(case.space.dimensions), dtype=np.int64)
    found: dict[Site, float] = {}
    for i, places in case.space.places.items():
        one = 3 * (np.arange(len(zero)) == i)
        gain = float(np.diff(case.truth(np.array([zero, one])))[0])
        for at in case.space.row_of(i).location:
            found[case.space.row_of(i).method, at, places[0][0]] = max(0.0, gain)
    return found


def dealt(of: Saliency, number: int) -> dict[Site, float]:
    """The same values at random sites."""
    values = np.random.default_rng(number).permutation(list(of.values()))
    return dict(zip(of, values.tolist(), strict=True))


def search(case: Problem, of: Saliency | None, *, seed: bool = False) -> list[float]:
    """Shares of the reference at the marks; a saliency is the surrogate's column, or a seed too."""
    sampler = PELTSampler(case.space, random_seed=case.number, start=8)
    starts = list(case.starts[:8])
    if of is not None:
        vars(sampler.model)["_source"] = Column(case.space, sampler.features, of)
        starts = [spent(case.space, of), *starts[:7]] if seed else starts
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    vectors: list[Vector] = []

    def values(vector: Vector) -> list[float]:
        vectors.append(vector)
        return [case.train(vector, len(vectors) - 1), case.space.cost(vector)]

    for vector in dict.fromkeys(starts):
        study.add_trial(starting_point(case.space, vector, values(vector)))
    while len(vectors) < MARKS[-1]:
        trial = study.ask()
        architecture = suggest(trial, case.space)
        trial.set_user_attr("architecture", architecture.to_json())
        study.tell(trial, values(case.space.encode(architecture)))
    return [round(case.share(vectors[:mark]), 4) for mark in MARKS]


def searches(kind: str, number: int, of: Saliency | None) -> dict[str, list[float]]:
    """One problem with each prior."""
    case = problem(kind, number)
    if of is not None:
        return {"none": search(case, None), "column": search(case, of),
                "column and seed": search(case, of, seed=True)}  # fmt: skip
    true = true_gains(case)
    return {"none": search(case, None), "true": search(case, true),
            "dealt at random": search(case, dealt(true, number))}  # fmt: skip


# ---------------------------------------------------------------------- ranks of LoRA
def ranks(of: Saliency, counter: ShapeCounter, limit: int) -> Architecture:
    """LoRA on all maps, a rank after another where the next gains the most a parameter."""
    sizes = {site: 0 for site in of if site[0] == "lora"}
    price = {site: counter.deployed(Module(*site[:2], site[2], 1)) for site in sizes}
    while True:
        left = limit - sum(price[s] * n for s, n in sizes.items())
        gains = {s: of[s] * np.log2((n + 2) / (n + 1)) / price[s]
                 for s, n in sizes.items() if price[s] <= left}  # fmt: skip
        if not gains:
            return Architecture(tuple(Module(*s[:2], s[2], n) for s, n in sizes.items() if n))
        sizes[max(gains, key=lambda s: gains[s])] += 1


def trained_ranks(share: float, seeds: int) -> list[dict[str, Any]]:
    """Trainings on the demo task: ranks given out by saliency, and the same everywhere."""
    training = TrainingConfig(
        epochs=3, batch_size=8, train_examples=600, dropout=False, precision="fp32"
    )
    context = context_of("demo", None, training)
    shapes = shapes_of_model(context.model)
    counter, limit = ShapeCounter(shapes), int(share * shapes.backbone_parameters)
    made: dict[str, Architecture | None] = {
        "by saliency": ranks(saliency(context, first_step), counter, limit)
    }
    for name in ("lora-all-r64", "lora-r64"):
        made[name] = shrink(seed_architecture(name, shapes), counter, limit)
    rows: list[dict[str, Any]] = []
    for seed, rate, (name, a) in itertools.product(range(seeds), (1.0, 4.0), made.items()):
        assert a is not None
        architecture = replace(a, learning_rate_multiplier=rate)
        score = max(epoch.score for epoch in train_epochs(context, architecture, training, seed))
        release(context)
        deployed = counter.count(a).deployed
        rows.append({"name": name, "deployed": deployed, "rate": rate, "score": score})
        print(rows[-1], architecture.describe(), flush=True)
    return rows


def main() -> None:
    """Measure one of the three; the last line is JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("table", "search", "ranks"))
    parser.add_argument("--data", help="folder with GLUE")
    parser.add_argument("--kind", default="real", help="of the problems")
    parser.add_argument("--problems", type=int, default=5)
    parser.add_argument("--random-seeds", type=int, default=1, help="of the trainings of `ranks`")
    parser.add_argument("--share", type=float, default=0.001, help="of the backbone, for `ranks`")
    given = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    made: Any
    if given.what == "ranks":
        with private_cache(None):
            made = trained_ranks(given.share, given.random_seeds)
    elif given.what == "table":
        made = against_the_table(context_of("cola", given.data, MANY))
    else:
        of = None
        if given.kind == "real":
            of = saliency(context_of("cola", given.data, MANY), first_step)
        made = {}
        for number in range(given.problems):
            for name, shares in searches(given.kind, number, of).items():
                print(given.kind, number, name, shares, flush=True)
                made.setdefault(name, []).append(shares)
        made = {name: np.mean(all_, axis=0).round(3).tolist() for name, all_ in made.items()}
    print(json.dumps(made))


if __name__ == "__main__":
    main()
