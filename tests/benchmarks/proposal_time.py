"""CPU seconds per proposal, at 50 to 500 observations, for 6, 12 and 24 layers.

    python tests/benchmarks/proposal_time.py            # about 8 minutes
    python tests/benchmarks/proposal_time.py --layers 12 --observations 100,500

The first proposal of a process, which begins from nothing as after opening a study again, and the
mean of those that follow. The last line is one JSON object.
"""

import argparse
import json
import time

import numpy as np
import optuna
import torch
from optuna.trial import create_trial
from problems import bound

from autopelt.samplers import PELTSampler, distributions, params_of, suggest
from autopelt.space.bound import BoundSpace
from autopelt.space.points import sample_feasible, unique_points
from autopelt.space.space import SearchSpace

HIDDEN = {6: 384, 12: 768, 24: 1024}


def seconds(space: BoundSpace, observations: int, proposals: int) -> tuple[float, float]:
    """CPU seconds of the first proposal, and the mean of the next ones."""
    rng = np.random.default_rng(0)
    points = unique_points(sample_feasible(space, rng, 2 * observations))
    depth = rng.normal(0, 1, len(space.dimensions))
    known = distributions(space)
    study = optuna.create_study(
        directions=["maximize", "minimize"], sampler=PELTSampler(space, random_seed=0, start=0)
    )

    def score(vector: list[int]) -> float:
        amount = float(np.abs(depth) @ np.minimum(vector, 4))
        return 0.5 + 0.4 * amount / (amount + 40) + float(rng.normal(0, 0.007))

    for vector in points[:observations].tolist():
        params = params_of(vector, space)
        study.add_trial(
            create_trial(
                params=params,
                distributions={name: known[name] for name in params},
                values=[score(vector), space.cost(vector)],
                user_attrs={"architecture": space.decode(vector).to_json(), "origin": "seed"},
            )
        )
    spent = []
    for _ in range(1 + proposals):
        begun = time.process_time()
        trial = study.ask()
        architecture = suggest(trial, space)
        spent.append(time.process_time() - begun)
        trial.set_user_attr("architecture", architecture.to_json())
        vector = list(space.encode(architecture))
        study.tell(trial, [score(vector), space.cost(vector)])
    return spent[0], float(np.mean(spent[1:]))


def main() -> None:
    """Measure, print a table, end with JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", default="6,12,24")
    parser.add_argument("--observations", default="50,100,200,500")
    parser.add_argument("--space", default="pelt")
    parser.add_argument("--proposals", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    made: dict[str, dict[str, float]] = {}
    for layers in map(int, given.layers.split(",")):
        space = bound(SearchSpace.load(given.space), layers, HIDDEN.get(layers, 768))
        for count in map(int, given.observations.split(",")):
            first, mean = seconds(space, count, given.proposals)
            made.setdefault(str(layers), {})[str(count)] = round(mean, 3)
            print(
                f"{layers:>3} layers {count:>4} observations: {mean:.2f} s a proposal, "
                f"{first:.2f} s the first after opening",
                flush=True,
            )
    print(json.dumps(made))


if __name__ == "__main__":
    main()
