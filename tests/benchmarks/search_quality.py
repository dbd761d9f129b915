"""How good a front the samplers find: hypervolume after half and after all of 100 evaluations.

    python tests/benchmarks/search_quality.py --quick                  # under 10 minutes, one core
    python tests/benchmarks/search_quality.py --results found.jsonl    # all of it: hours

Figures are hypervolumes of the true scores of what was evaluated, as a share of a strong reference
front's (see `problems`), averaged over problems, then over kinds. All samplers, ours too, are asked
for the front; `both`, which runs only if it is asked for, is ours by default: for the best score as
well (see `noisy_search`). All samplers get the same 24 starting points and the same noise. Each
figure is appended to the file of --results as soon as it is known, and what stands there is not
computed again: a long run can be stopped, split by --kinds, --samplers and --first, and put
together by a last call. After a change to a sampler take a new file.

The last line is one JSON object: for each sampler its shares, the number of its problems, and
``ours_there``, ours on those problems alone, which is what a sampler that ran on few is to be
compared with.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
import torch
from problems import KINDS, Problem, problem, starting_point

from autopelt.errors import AutopeltError
from autopelt.samplers import make_sampler, suggest

OURS = {"ours": 0.0, "both": 0.5}
"""Ours by the share of proposals that ask for the best score, and not for the front."""
QUICK = ("ours", "random", "tpe", "nsga2")
ALL = (*QUICK, "gp", "autopeft")


class Search(NamedTuple):
    """What one figure is of."""

    kind: str
    number: int
    sampler: str


class Results:
    """Shares of the reference by search and number of evaluations; a file of JSON lines."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.found: dict[Search, dict[int, tuple[float, float]]] = {}
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                search = Search(row["kind"], row["number"], row["sampler"])
                self._keep(search, row["after"], row["share"], row["seconds"])

    def _keep(self, search: Search, after: int, share: float, seconds: float) -> None:
        self.found.setdefault(search, {})[after] = (share, seconds)

    def add(self, search: Search, after: int, share: float, seconds: float) -> None:
        """Keep and append one figure; `seconds` are CPU seconds a proposal so far."""
        self._keep(search, after, share, seconds)
        print(
            f"{search.kind:<10} {search.number} {search.sampler:<9} after {after:>3} "
            f"{share:.3f}  {seconds:.2f} s a proposal",
            flush=True,
        )
        if self.path is not None:
            row = search._asdict() | {"after": after, "share": share, "seconds": seconds}
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def search(case: Problem, name: str, trials: int, results: Results) -> None:
    """One search; its shares after half and after all trials go to `results`."""
    key = Search(case.kind, case.number, name)
    if name in OURS:
        sampler = make_sampler("pelt", case.space, case.number, share=OURS[name])
    else:
        sampler = make_sampler(name, case.space, case.number)
    vars(sampler)["start"] = 0  # all begin with the shared points
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    for number, vector in enumerate(case.starts):
        values = [case.train(vector, number), case.space.cost(vector)]
        study.add_trial(starting_point(case.space, vector, values))
    vectors = list(case.starts)
    begun = time.process_time()
    while len(vectors) < trials:
        trial = study.ask()
        architecture = suggest(trial, case.space)
        vector = case.space.encode(architecture)
        trial.set_user_attr("architecture", architecture.to_json())
        study.tell(trial, [case.train(vector, len(vectors)), case.space.cost(vector)])
        vectors.append(vector)
        if len(vectors) in (trials // 2, trials):
            seconds = (time.process_time() - begun) / (len(vectors) - len(case.starts))
            results.add(key, len(vectors), case.share(vectors), seconds)


def summary(results: Results, trials: int) -> dict[str, Any]:
    """Means over problems and then over kinds, of each sampler and of ours on its problems."""

    def shares(name: str, after: int, numbers: dict[str, list[int]]) -> dict[str, float]:
        found = {}
        for kind, ns in numbers.items():
            cells = [results.found.get(Search(kind, n, name), {}).get(after) for n in ns]
            known = [cell[0] for cell in cells if cell is not None]
            if len(known) == len(ns):
                found[kind] = float(np.mean(known))
        return found

    def mean(found: dict[str, float], kinds: int) -> float | None:
        return round(float(np.mean(list(found.values()))), 4) if len(found) == kinds else None

    made: dict[str, Any] = {}
    for name in dict.fromkeys(s.sampler for s in results.found):
        numbers: dict[str, list[int]] = {}
        for s in results.found:
            if s.sampler == name:
                numbers.setdefault(s.kind, []).append(s.number)
        half, full = shares(name, trials // 2, numbers), shares(name, trials, numbers)
        mine = [shares("ours", after, numbers) for after in (trials // 2, trials)]
        spent = [
            max(found.items())[1][1] for s, found in results.found.items() if s.sampler == name
        ]
        made[name] = {
            "hv_half": mean(half, len(numbers)),
            "hv_full": mean(full, len(numbers)),
            "seconds": round(float(np.mean(spent)), 3),
            "kinds": {
                kind: [round(half.get(kind, np.nan), 4), round(full.get(kind, np.nan), 4)]
                for kind in numbers
                if kind in half and kind in full
            },
            "problems": {kind: len(ns) for kind, ns in numbers.items()},
            "ours_there": [mean(found, len(numbers)) for found in mine],
        }
    return made


def main() -> None:
    """Run, print every figure, end with JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one problem a kind, fast rivals")
    parser.add_argument("--problems", type=int, help="problems of each kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first of them")
    parser.add_argument("--trials", type=int, default=100, help="evaluations of each search")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--samplers", help="default: all, with --quick " + ",".join(QUICK))
    parser.add_argument("--results", type=Path, help="JSON lines that figures are kept in")
    given = parser.parse_args()
    names = (given.samplers or ",".join(QUICK if given.quick else ALL)).split(",")
    count = given.problems or (1 if given.quick else 5)
    kinds = given.kinds.split(",")
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if given.quick:
        left_out = ", ".join(name for name in ALL if name not in names)
        print(f"quick: {count} of 5 problems a kind; left out as slow: {left_out or 'none'}")
    results = Results(given.results)
    for number in range(given.first, given.first + count):
        for kind in kinds:
            missing = [
                name
                for name in names
                if given.trials not in results.found.get(Search(kind, number, name), {})
            ]
            case = problem(kind, number) if missing else None
            for name in missing:
                assert case is not None
                try:
                    search(case, name, given.trials, results)
                except AutopeltError as error:
                    print(f"{name}: {error}", flush=True)
    print(json.dumps(summary(results, given.trials)))


if __name__ == "__main__":
    main()
