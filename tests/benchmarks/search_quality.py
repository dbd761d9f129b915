"""How good a front the samplers find: hypervolume after half and after all of 100 evaluations.

    python tests/benchmarks/search_quality.py --quick     # about 8 minutes on one core
    python tests/benchmarks/search_quality.py             # 5 problems a kind, all rivals: hours

Figures are hypervolumes of the true scores of what was evaluated, as a share of a strong reference
front's (see `problems`), averaged over problems. All samplers get the same 24 starting points and
the same noise. The last line is one JSON object.
"""

import argparse
import json
import time

import numpy as np
import optuna
import torch
from optuna.trial import TrialState, create_trial
from problems import KINDS, Problem, problem

from autopelt.errors import UnavailableError
from autopelt.search import distributions, make_sampler, params_of, suggest

NAMES = {"ours": "pelt"}
QUICK = ("ours", "random", "tpe", "nsga2")
ALL = (*QUICK, "gp", "autopeft")


def search(case: Problem, name: str, trials: int) -> tuple[float, float, float]:
    """One search: shares of the reference after half and all trials, CPU seconds a proposal."""
    sampler = make_sampler(NAMES.get(name, name), case.space, case.number)
    vars(sampler)["start"] = 0  # all begin with the shared points
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    for number, vector in enumerate(case.starts):
        params = params_of(vector, case.space)
        known = distributions(case.space)
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE,
                params=params,
                distributions={key: known[key] for key in params},
                values=[case.train(vector, number), case.space.cost(vector)],
                user_attrs={"architecture": case.space.decode(vector).to_json(), "origin": "seed"},
            )
        )
    vectors = list(case.starts)
    begun = time.process_time()
    while len(vectors) < trials:
        trial = study.ask()
        architecture = suggest(trial, case.space)
        vector = case.space.encode(architecture)
        trial.set_user_attr("architecture", architecture.to_json())
        study.tell(trial, [case.train(vector, len(vectors)), case.space.cost(vector)])
        vectors.append(vector)
    seconds = (time.process_time() - begun) / max(1, trials - len(case.starts))
    return case.share(vectors[: trials // 2]), case.share(vectors), seconds


def main() -> None:
    """Run, print a table, end with JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one problem a kind, fast rivals")
    parser.add_argument("--problems", type=int, help="problems of each kind")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--samplers", help="default: all, with --quick " + ",".join(QUICK))
    given = parser.parse_args()
    names = (given.samplers or ",".join(QUICK if given.quick else ALL)).split(",")
    count = given.problems or (1 if given.quick else 5)
    kinds = given.kinds.split(",")
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    results: dict[str, dict[str, list[tuple[float, float, float]]]] = {}
    for number in range(count):
        for kind in kinds:
            case = problem(kind, number)
            for name in names:
                try:
                    found = search(case, name, given.trials)
                except UnavailableError as error:
                    print(f"{name}: {error}", flush=True)
                    continue
                results.setdefault(name, {}).setdefault(kind, []).append(found)
                print(
                    f"{kind:<10} {number} {name:<9} half {found[0]:.3f}  full {found[1]:.3f}  "
                    f"{found[2]:.2f} s a proposal",
                    flush=True,
                )
    summary = {}
    for name, by_kind in results.items():
        means = {kind: np.mean(rows, axis=0) for kind, rows in by_kind.items()}
        whole = np.mean(list(means.values()), axis=0)
        summary[name] = {
            "hv_half": round(float(whole[0]), 4),
            "hv_full": round(float(whole[1]), 4),
            "seconds": round(float(whole[2]), 3),
            "kinds": {k: [round(float(v), 4) for v in m[:2]] for k, m in means.items()},
        }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
