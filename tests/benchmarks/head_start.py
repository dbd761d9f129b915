"""What it is worth that a task head begins at what is known of the labels (`Task.prior`).

    python tests/benchmarks/head_start.py --task stsb --data GLUE --train-examples 600 --epochs 4

Trains every method with the head's biases at 0 and at the prior, in turn, with the same random
seeds, and prints the selection score after each epoch. With ``--out`` a line a training is kept,
and what is there is not trained again. One thread.
"""

import argparse
import json
from pathlib import Path

import torch

from autopelt.backbones.load import load_config
from autopelt.backbones.shapes import shapes_of_config
from autopelt.backbones.source import resolve
from autopelt.study.config import TrainingConfig
from autopelt.study.lookup import find_architecture
from autopelt.training.context import warm_context
from autopelt.training.spec import Setup, TrialSpec
from autopelt.training.trial import run_trial


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--methods", default="lora-r8,unipelt")
    parser.add_argument("--train-examples", type=int)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--rate", type=float, default=2.0, help="factor on all learning rates")
    parser.add_argument("--random-seeds", type=int, default=2)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    known = given.out.read_text(encoding="utf-8") if given.out and given.out.is_file() else ""
    done = {tuple(json.loads(line)["key"]) for line in known.splitlines()}
    shapes = shapes_of_config(load_config(resolve(given.model)))
    setup = Setup(given.model, given.task, given.data, given.train_examples)
    training = TrainingConfig(
        epochs=given.epochs, batch_size=given.batch_size, learning_rate_factor=given.rate
    )
    context = warm_context(setup, False)  # called as `run_trial` does, or it is another one
    prior = context.prior
    for random_seed in range(given.random_seeds):
        for method in given.methods.split(","):
            architecture = find_architecture(method, shapes).architecture.to_json()
            for start in ("zero", "prior"):
                key = (given.task, method, random_seed, start)
                if key in done:
                    continue
                context.prior = prior if start == "prior" else None
                spec = TrialSpec(0, architecture, random_seed, setup, training)
                scores = [round(result.score, 4) for result in run_trial(spec)]
                print(*key, *scores, flush=True)
                if given.out:
                    with given.out.open("a", encoding="utf-8") as file:
                        file.write(json.dumps({"key": key, "scores": scores}) + "\n")


if __name__ == "__main__":
    main()
