"""What a study of many trials costs: to go on with, to look at, to keep.

    python tests/benchmarks/growth.py --trials 100,1000,10000

The real driver, storage and report; what is trained is a formula, on a tiny model, and a random
sampler proposes, so that only the study grows. Seconds are of the processor. One row a size:

trial     the driver's seconds a trial, over the last tenth of the trials
memory    MB that its process has grown by from the first tenth to the end
end       seconds from the last trial to the finished study: beliefs, best/, report
again     seconds to go on with one more trial and finish again
status    seconds of ``autopelt status``, from the start of Python
report    seconds of ``autopelt report``, and the page's size in MB
folder    MB of the study's folder
proposal  seconds of one of the pelt sampler's (not measured above 2,000 trials)
"""

import argparse
import json
import math
import sys
import tempfile
import time
from pathlib import Path

import optuna
import torch
from light_commands import cpu
from measuring import resident

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from tiny_models import make_tiny_bert
from transformers import AutoConfig, AutoModelForSequenceClassification

import autopelt
from autopelt.architecture.counter import ShapeCounter
from autopelt.backbones.shapes import shapes_of_config
from autopelt.samplers import make_sampler, suggest
from autopelt.space.bound import BoundSpace
from autopelt.space.space import SearchSpace
from autopelt.study.storage import StudyStorage

MOST = 2000
"""Trials beyond which no proposal is timed."""


def grown(folder: Path, model: torch.nn.Module, trials: int) -> dict[str, float]:
    """One row."""
    at: list[tuple[float, float]] = []

    def train(model: torch.nn.Module, trial: autopelt.Trial) -> float:
        at.append((time.process_time(), resident("VmRSS") / 1e6))
        size = trial.count.deployed
        wave = math.sin(trial.random_seed)
        return 0.5 + 0.4 * size / (size + 500) + 0.02 * wave

    def search(total: int) -> float:
        begun = time.process_time()
        autopelt.search(
            model=model, train=train, trials=total, sampler="random", budget="10%",
            space="pelt", repeats="off", out=folder,
        )  # fmt: skip
        return time.process_time() - begun

    search(trials)
    ended = time.process_time()
    tenth = max(2, len(at) // 10)
    row = {
        "trials": float(trials),
        "trial": (at[-1][0] - at[-tenth][0]) / (tenth - 1),
        "memory": at[-1][1] - at[tenth][1],
        "end": ended - at[-1][0],
        "again": search(trials + 1),
        "status": cpu(["status", str(folder)], check=True),
        "report": cpu(["report", str(folder)], check=True),
        "page": (folder / "index.html").stat().st_size / 1e6,
        "folder": sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6,
    }
    if trials <= MOST:
        row["proposal"] = proposal(folder, folder.parent / "model")
    return {key: round(value, 3) for key, value in row.items()}


def proposal(folder: Path, model: Path) -> float:
    """CPU seconds of the second proposal of the pelt sampler for the study."""
    storage = StudyStorage.open(folder)
    config = AutoConfig.from_pretrained(model)
    shapes = shapes_of_config(config)
    limit = shapes.backbone_parameters // 10
    space = BoundSpace(SearchSpace.load("pelt"), shapes, ShapeCounter(shapes), limit)
    sampler = make_sampler("pelt", space, random_seed=0)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    study.add_trials([t for t in storage.trials() if t.state.is_finished()])
    spent = 0.0
    for _ in range(2):
        begun = time.process_time()
        suggest(study.ask(), space)
        spent = time.process_time() - begun
    return spent


def main() -> None:
    """Measure, print a row a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", default="100,1000,10000")
    given = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        make_tiny_bert(Path(folder) / "model")
        model = AutoModelForSequenceClassification.from_pretrained(Path(folder) / "model")
        for trials in map(int, given.trials.split(",")):
            print(json.dumps(grown(Path(folder) / f"of-{trials}", model, trials)), flush=True)


if __name__ == "__main__":
    main()
