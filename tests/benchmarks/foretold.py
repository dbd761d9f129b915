"""How well the surrogate foretells the trials of real studies, each from those that ended before.

    python tests/benchmarks/foretold.py reports/*/trials.csv

Of every trial that the search proposed: the expected score with collapses counted, and the density
of the score that it had. A line a study, and one of all: mean absolute error of the expectation,
and mean and median logarithm of the density. Nothing is trained; what is compared is another
version of the surrogate on the same studies. All are of MiniLM.
"""

import argparse
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from measuring import complete_trials

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from first_trials import mixed_space

from autopelt.architecture.architecture import Architecture
from autopelt.samplers.features import Features
from autopelt.samplers.history import History, Observation
from autopelt.samplers.model import Model

FIRST = 12
"""Trials before the first that is foretold."""
PROPOSED = ("start", "model")


def trials(path: Path) -> Iterator[tuple[Observation, bool]]:
    """The complete ones of a study as they ended, and whether the search proposed each."""
    counter = mixed_space().counter
    for number, row in enumerate(complete_trials(path)):
        made = Architecture.from_json(row["architecture_json"])
        if not made.full:
            size = counter.count(made).deployed
            known = Observation(number, made, size, None, float(row["score"]))
            yield known, row.get("origin", "") in PROPOSED


def foretold(path: Path) -> list[tuple[float, float]]:
    """(absolute error, log density) of each proposal."""
    space = mixed_space()
    model, every = Model(space, Features(space)), list(trials(path))
    found = []
    for count in range(FIRST, len(every)):
        trial, proposed = every[count]
        if not proposed:
            continue
        known = [o for o, _ in every[:count]]
        surrogate = model.fitted(known)
        expected, risk = model._beliefs(surrogate, [trial], History(observed=known))
        posterior = surrogate.predict(model.features_of([trial]))
        deviation = math.hypot(float(posterior.deviation[0]), surrogate.noise)
        z = (trial.score - float(posterior.mean[0])) / deviation
        # A collapsed training may have any score that was seen.
        scores = [o.score for o in known]
        learned = math.exp(-0.5 * z * z) / (deviation * math.sqrt(2 * math.pi))
        collapsed = 1 / max(1e-9, max(scores) - min(scores))
        density = (1 - risk[0]) * learned + risk[0] * collapsed
        found.append((abs(trial.score - float(expected[0])), math.log(max(density, 1e-9))))
    return found


def main() -> None:
    """Read the command line and print a line a study."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", type=Path, nargs="+", help="trials.csv of studies")
    torch.set_num_threads(1)
    every: list[tuple[float, float]] = []
    for path in parser.parse_args().tables:
        every += (own := foretold(path))
        if own:
            print(line(path.parent.name, own), flush=True)
    print(line("all", every))


def line(name: str, found: list[tuple[float, float]]) -> str:
    """One study's, or all's."""
    errors, densities = np.array(found).T
    return (
        f"{name:20} {len(found):4} proposals: error {errors.mean():.4f}, log density mean "
        f"{densities.mean():.2f}, median {np.median(densities):.2f}"
    )


if __name__ == "__main__":
    main()
