"""Does it change what is learned that batches are made of examples of like length?

Trains one architecture on the demo task with batches drawn from pools of 16 (as autopelt does) and
with plain random batches, in turn, once for each random seed, and compares the selection scores.

    python tests/benchmarks/bucketing.py                       # about 5 minutes on two cores
    python tests/benchmarks/bucketing.py --random-seeds 3

Prints one JSON line: the scores, the mean difference and its standard error.
"""

import argparse
import json
import statistics

import torch

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.study.config import TrainingConfig
from autopelt.training import batches
from autopelt.training.context import Context
from autopelt.training.loop import release, train_epochs
from autopelt.training.spec import Setup

POOLS = {"bucketed": batches.POOL, "random": 1}


def main() -> None:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--random-seeds", type=int, default=5)
    made.add_argument("--epochs", type=int, default=3)
    made.add_argument("--train-examples", type=int, default=600)
    made.add_argument("--threads", type=int, default=2)
    given = made.parse_args()
    torch.set_num_threads(given.threads)
    context = Context(Setup("minilm", "demo", train_examples=given.train_examples))
    training = TrainingConfig(
        epochs=given.epochs,
        batch_size=context.task.usual_batch,
        learning_rate_factor=context.task.usual_factor,
        dropout=context.task.usual_dropout,
    )
    architecture = Architecture(
        tuple(Module("sequential_adapter", "ffn", layer, 24) for layer in range(6))
    )
    scores: dict[str, list[float]] = {name: [] for name in POOLS}
    seconds: dict[str, float] = dict.fromkeys(POOLS, 0.0)
    for random_seed in range(given.random_seeds):
        for name, pool in POOLS.items():
            batches.POOL = pool
            results = list(train_epochs(context, architecture, training, random_seed))
            release(context)
            scores[name].append(max(r.score for r in results))
            seconds[name] += sum(r.seconds["train"] for r in results)
    differences = [a - b for a, b in zip(scores["bucketed"], scores["random"], strict=True)]
    count = len(differences)
    error = statistics.stdev(differences) / count**0.5 if count > 1 else float("nan")
    print(
        json.dumps(
            {
                "benchmark": "bucketing",
                "task": "demo",
                **scores,
                "mean_difference": round(statistics.fmean(differences), 4),
                "standard_error": round(error, 4),
                "training_seconds": {k: round(v, 1) for k, v in seconds.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
