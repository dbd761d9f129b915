"""What a warm start is worth: searches with and without another task's study.

    python tests/benchmarks/warm_start.py --results warm.jsonl      # about an hour, one core

A target is a synthetic problem of `problems`. Its source is a study of 50 trials by `pelt` on
another problem of the same space:

same        the target itself, other noise
related     three parts of the target's truth, one part another problem's
unrelated   another problem
negated     the target upside down: what is best there is worst here

Each search has 8 hand-made architectures first, as seed architectures are; then with a warm start
up to 8 of the source's front, and space-filling ones until 18 are evaluated; then the model
decides.
Figures are hypervolumes of the true scores of what was evaluated, as a share of the reference's,
after 12, 20 and 50 trials, mean over problems and kinds; the last line is one JSON object.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import torch
from problems import KINDS, Problem, problem, starting_point

from autopelt.samplers import PELTSampler, suggest
from autopelt.samplers.history import Observation
from autopelt.samplers.posterior import expected_scores
from autopelt.space.tables import Vector
from autopelt.workflows.warm_start import EARLY, front_of

MARKS = (12, 20, 50)
BEFORE = 18
SOURCES = ("same", "related", "unrelated", "negated")
OFFSET = 1000
"""Added to trial numbers of a source, so that its noise is another."""


def source_of(case: Problem, other: Problem, kind: str) -> Problem:
    """The other task."""
    low = case.floor
    if kind == "same":
        return case
    if kind == "related":
        return replace(case, truth=lambda x: 0.75 * case.truth(x) + 0.25 * other.truth(x))
    if kind == "unrelated":
        return replace(case, truth=other.truth)
    return replace(case, truth=lambda x: low + 0.4 - (case.truth(x) - low))


def search(
    case: Problem, trials: int, source: Sequence[Observation], early: Sequence[Vector], shift: int
) -> list[Observation]:
    """One search; what it evaluated, in order."""
    start = max(2, BEFORE - 8 - len(early))
    sampler = PELTSampler(
        case.space, random_seed=case.number + shift, start=start, share=0, source=source
    )
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    made: list[Observation] = []

    def keep(vector: Vector) -> tuple[float, int]:
        score, cost = case.train(vector, len(made) + shift), case.space.cost(vector)
        architecture = case.space.decode(vector)
        made.append(Observation(len(made), architecture, cost, vector, score))
        return score, cost

    for vector in dict.fromkeys((*case.starts[:8], *early)):
        study.add_trial(starting_point(case.space, vector, keep(vector)))
    while len(made) < trials:
        trial = study.ask()
        architecture = suggest(trial, case.space)
        trial.set_user_attr("architecture", architecture.to_json())
        study.tell(trial, keep(case.space.encode(architecture)))
    return made


def shares(case: Problem, made: Sequence[Observation]) -> list[float]:
    """Share of the reference at each mark."""
    vectors = [o.vector or () for o in made]
    return [round(case.share(vectors[:mark]), 4) for mark in MARKS]


def taken_early(case: Problem, made: Sequence[Observation]) -> list[Vector]:
    """The front that is evaluated early."""
    chosen = front_of(made, expected_scores(case.space, made), EARLY)
    by_number = {o.number: o.vector for o in made}
    return [v for n in chosen if (v := by_number[n]) is not None]


def main() -> None:
    """Run, print every figure, end with JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", type=int, default=2, help="problems of each kind")
    parser.add_argument("--kinds", default=",".join(KINDS[:3]))
    parser.add_argument("--sources", default=",".join(SOURCES))
    parser.add_argument("--random-seeds", type=int, default=2)
    parser.add_argument("--results", type=Path, help="JSON lines that figures are kept in")
    given = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    done: dict[tuple[str, int, int, str], list[float]] = {}
    if given.results is not None and given.results.exists():
        for line in given.results.read_text(encoding="utf-8").splitlines():
            *key, found = json.loads(line)
            done[key[0], key[1], key[2], key[3]] = found

    def keep(key: tuple[str, int, int, str], found: list[float]) -> None:
        done[key] = found
        print(*key, *found, flush=True)
        if given.results is not None:
            with given.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps([*key, found]) + "\n")

    for number in range(given.problems):
        for kind in given.kinds.split(","):
            case = problem(kind, number)
            other = problem(kind, number + 3, rounds=0)
            for seed in range(given.random_seeds):
                shift = 100 * seed
                if (kind, number, seed, "none") not in done:
                    made = search(case, MARKS[-1], (), (), shift)
                    keep((kind, number, seed, "none"), shares(case, made))
                for name in given.sources.split(","):
                    if (kind, number, seed, name) in done:
                        continue
                    theirs = source_of(case, other, name)
                    seen = search(theirs, MARKS[-1], (), (), OFFSET + shift)
                    made = search(case, MARKS[-1], seen, taken_early(case, seen), shift)
                    keep((kind, number, seed, name), shares(case, made))
    names = dict.fromkeys(key[3] for key in done)
    print(
        json.dumps(
            {
                name: [
                    round(float(m), 3)
                    for m in np.mean([v for k, v in done.items() if k[3] == name], axis=0)
                ]
                for name in names
            }
        )
    )


if __name__ == "__main__":
    main()
