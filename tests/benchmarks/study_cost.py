"""What a study costs beside the same trainings one by one.

    python tests/benchmarks/study_cost.py                        # about 4 minutes on two cores
    python tests/benchmarks/study_cost.py --task stsb --data DATA --budget 1% --trials 40 --every 4

Runs a search with the command line, workers and all; then the same architectures with the same
random seeds one after another in a plain script: a fresh model each, random batches padded to
their longest, every layer in every pass, all threads. `--every 4` trains each fourth so and counts
it four times. Prints one JSON line: both wall-clock times, their ratio (goal: at least 3), and how
the scores differ.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from autopelt.backbones.load import load_model, load_tokenizer
from autopelt.backbones.source import resolve
from autopelt.modules.attachment import attach
from autopelt.modules.parameter_groups import parameter_groups
from autopelt.study.config import StudyConfig
from autopelt.study.database import CONFIG
from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.study.storage import StudyStorage
from autopelt.tasks import make_task
from autopelt.training.spec import Setup, data_source


def plain_training(trial: TrialRecord, config: StudyConfig) -> float:
    """Train one architecture as a script would; returns its best selection score."""
    setup, training = Setup.of(config), config.training
    source = resolve(setup.model)
    tokenizer, task = load_tokenizer(source), make_task(setup.task)
    splits = task.load(data_source(setup))
    train = task.encode(splits.train, tokenizer, task.max_length)
    selection = task.encode(splits.selection, tokenizer, task.max_length)
    model = load_model(source, task.head, task.outputs, trial.random_seed)
    attach(model, trial.architecture, random_seed=trial.random_seed)
    groups = parameter_groups(model, multiplier=training.learning_rate_factor)
    optimizer = torch.optim.AdamW(groups, weight_decay=training.weight_decay)
    steps = math.ceil(len(train) / training.batch_size) * training.epochs
    rise = max(1, round(steps * training.warmup))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda n: min((n + 1) / rise, max(0.0, (steps - n) / max(1, steps - rise + 1))),
    )
    parameters = [p for group in groups for p in group["params"]]
    order = torch.Generator().manual_seed(trial.random_seed)
    torch.manual_seed(trial.random_seed)
    best = -math.inf
    for _ in range(training.epochs):
        model.train(training.dropout)
        shuffled = torch.randperm(len(train), generator=order).tolist()
        for start in range(0, len(shuffled), training.batch_size):
            rows = [train[i] for i in shuffled[start : start + training.batch_size]]
            batch = task.collate(rows, tokenizer)
            task.loss(model(**task.inputs(batch)), batch).backward()
            torch.nn.utils.clip_grad_norm_(parameters, training.clip_norm)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        model.eval()
        predictions: list[object] = []
        with torch.no_grad():
            for start in range(0, len(selection), 64):
                rows = [selection[i] for i in range(start, min(start + 64, len(selection)))]
                batch = task.collate(rows, tokenizer)
                predictions += task.predict(model, batch, tokenizer)
        best = max(best, task.score(predictions, selection)[task.metric.name])
    return best


def searched(given: argparse.Namespace, folder: Path) -> tuple[float, StudyRecord]:
    """Wall-clock of the command, and the study that it made."""
    command = [
        *(sys.executable, "-m", "autopelt", "search", "--task", given.task, "--out", str(folder)),
        *(("--data", given.data) if given.data else ()),
        *("--budget", given.budget, "--trials", str(given.trials), "--epochs", str(given.epochs)),
        *("--train-examples", str(given.train_examples)),
    ]
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun, StudyStorage.open(folder).record()


def main() -> None:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--task", default="demo")
    made.add_argument("--data", help="folder of the task's data")
    made.add_argument("--budget", default="1%")
    made.add_argument("--trials", type=int, default=16)
    made.add_argument("--epochs", type=int, default=2)
    made.add_argument("--train-examples", type=int, default=240)
    made.add_argument("--every", type=int, default=1, help="one by one, of so many trials the last")
    given = made.parse_args()
    threads = len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "study"
        study_seconds, record = searched(given, folder)
        config = StudyConfig.load(folder / CONFIG)
        plain: dict[int, float] = {}
        begun = time.perf_counter()
        chosen = record.complete[given.every - 1 :: given.every]
        for trial in chosen:
            plain[trial.number] = plain_training(trial, config)
        plain_seconds = (time.perf_counter() - begun) * len(record.complete) / len(chosen)
    scores = {t.number: float(t.score or 0.0) for t in chosen}
    differences = [scores[n] - plain[n] for n in scores]
    spent: dict[str, float] = {}
    for trial in record.trials:
        for phase, seconds in trial.seconds.items():
            spent[phase] = spent.get(phase, 0.0) + seconds
    print(
        json.dumps(
            {
                "benchmark": "study_cost",
                "task": given.task,
                "trials": len(record.complete),
                "one_by_one": len(chosen),
                "train_examples": given.train_examples,
                "epochs": given.epochs,
                "study_seconds": round(study_seconds, 1),
                "one_by_one_seconds": round(plain_seconds, 1),
                "ratio": round(plain_seconds / study_seconds, 2),
                "goal": 3.0,
                "phases": {k: round(v, 1) for k, v in spent.items()},
                "mean_score_difference": round(statistics.fmean(differences), 4),
                "sd_score_difference": round(statistics.pstdev(differences), 4),
                "trunk_seconds_saved": round(
                    sum(float(t.saved.get("trunk", 0.0)) for t in record.trials), 1
                ),
            }
        )
    )


if __name__ == "__main__":
    main()
