"""Would a search that knows its trials after one epoch need only half of the epochs?

    python tests/benchmarks/half_the_epochs.py reports/*/trials.csv

Replayed on the curves of real studies. All trials have one epoch of E; the best by a signal go on
to the end, as many as half of all epochs allow, and of these the best is picked. Signals, all of
the epochs so far: the selection score, the mean training loss, the slope of that loss, the sum of
the ranks of score and loss, and the front: how many fronts of score against parameters are to be
taken away until a trial is on one, then the score. Printed for each study:

all, best half  Spearman's correlation of the signal after each epoch with the final score, over
                all trials and among the better half of them
lost            the final score of the best trial minus that of the pick, in points (100 times the
                score), and the share of the hypervolume of all trials that those which went on have

The slope is there from the second epoch on: at the first it says nothing.
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measuring import complete_trials
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

from autopelt.statistics.pareto import front, hypervolume

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """Of n trials with E epochs each: (n, E) scores and losses, (n,) parameters."""

    scores: Array
    losses: Array
    parameters: NDArray[np.int64]

    @property
    def final(self) -> Array:
        """(n,) the best epoch counts."""
        return np.asarray(self.scores.max(axis=1))

    def hypervolume(self, of: NDArray[np.bool_]) -> float:
        """Of some trials, above half of what the best gains over the lowest."""
        floor = 0.5 * (float(self.final.min()) + float(self.final.max()))
        points = list(zip(self.parameters[of].tolist(), self.final[of].tolist(), strict=True))
        return hypervolume(points, int(self.parameters.max()), floor)


def fronts(c: Curves, epoch: int) -> Array:
    """(n,) minus the number of fronts above a trial's; within one, higher scores are higher."""
    scores = c.scores[:, : epoch + 1].max(axis=1)
    signal, left = np.zeros(len(scores)), list(range(len(scores)))
    place = 0
    while left:
        found = front([(int(c.parameters[i]), float(scores[i])) for i in left])
        for i in {left[k] for k in found}:
            signal[i] = -place + 1e-3 * scores[i]
            left.remove(i)
        place += 1
    return signal


SIGNALS: dict[str, Callable[[Curves, int], Array]] = {
    "score": lambda c, e: c.scores[:, : e + 1].max(axis=1),
    "loss": lambda c, e: -c.losses[:, e],
    "slope": lambda c, e: c.losses[:, max(0, e - 1)] - c.losses[:, e],
    "both": lambda c, e: rankdata(c.scores[:, e]) + rankdata(-c.losses[:, e]),
    "fronts": fronts,
}


def read(path: Path) -> Curves:
    """The complete trials that have as many epochs as the longest."""
    known = [
        ([float(v) for v in row["scores"].split()], [float(v) for v in row["losses"].split()], row)
        for row in complete_trials(path)
    ]
    epochs = max(len(scores) for scores, _, _ in known)
    whole = [k for k in known if len(k[0]) == len(k[1]) == epochs]
    return Curves(
        np.array([scores for scores, _, _ in whole]),
        np.array([losses for _, losses, _ in whole]),
        np.array([int(row["deployed"]) for _, _, row in whole]),
    )


def correlations(c: Curves, signal: Array) -> tuple[float, float]:
    """With the final score, over all and among the better half."""
    good = c.final >= np.median(c.final)
    return _spearman(signal, c.final), _spearman(signal[good], c.final[good])


def _spearman(a: Array, b: Array) -> float:
    return float(spearmanr(a, b).statistic) if min(np.ptp(a), np.ptp(b)) > 0 else math.nan


def lost(c: Curves, signal: Array) -> tuple[float, float]:
    """Points of the pick, and the share of the hypervolume, at half of all epochs."""
    if not np.ptp(signal):
        return math.nan, math.nan
    n, epochs = c.scores.shape
    going = max(1, int((n * epochs / 2 - n) / (epochs - 1)))
    on = np.zeros(n, dtype=bool)
    on[np.argsort(-signal, kind="stable")[:going]] = True
    whole = c.hypervolume(np.ones(n, dtype=bool))
    share = c.hypervolume(on) / whole if whole else math.nan
    return 100 * float(c.final.max() - c.final[on].max()), share


def main() -> None:
    """Read the command line, print a block a study and the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", type=Path, nargs="+", help="trials.csv of studies")
    means: dict[str, list[tuple[float, ...]]] = {}
    for path in parser.parse_args().tables:
        curves = read(path)
        n, epochs = curves.scores.shape
        if epochs < 3:
            continue
        print(f"{path.parent.name}: {n} trainings of {epochs} epochs")
        for name, signal in SIGNALS.items():
            after = [correlations(curves, signal(curves, e)) for e in range(epochs)]
            gone = lost(curves, signal(curves, 0))
            means.setdefault(name, []).append((*after[0], *after[1], *gone))
            told = ", ".join(f"{every:.2f} {half:.2f}" for every, half in after)
            print(f"  {name:6} all and best half {told}; lost {gone[0]:.1f}, {gone[1]:.2f}")
    print("means: after one epoch, after two, lost")
    for name, rows in means.items():
        known = [[v for v in column if not math.isnan(v)] for column in zip(*rows, strict=True)]
        print(f"  {name:6}", *(f"{np.mean(v):.2f}" if v else "-" for v in known))


if __name__ == "__main__":
    main()
