"""Many tiny trials in one study: do memory, open files, threads and proposal time stay flat?

    python tests/benchmarks/soak.py --out soak.json

One worker, so that one process trains all trials. The slope of a quantity is fitted over the last
two thirds of the trials.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from tiny_models import make_tiny_bert

from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.workflows.plan import make_plan
from autopelt.workflows.search import search
from autopelt.workflows.settings import resolve_config


class Watch:
    """A view that looks at the processes after every trial."""

    def __init__(self, every: int) -> None:
        self.rows: list[dict[str, float]] = []
        self.every = every
        self.begun = time.monotonic()

    def message(self, text: str) -> None: ...

    def started(self, trial: TrialRecord, study: StudyRecord) -> None: ...

    def doing(self, number: int | None, text: str) -> None: ...

    def progressed(self, number: int, result: dict[str, Any]) -> None: ...

    def finished(self, trial: TrialRecord, study: StudyRecord) -> None:
        row = {"trial": float(trial.number), "at": time.monotonic() - self.begun}
        row |= {f"driver {k}": v for k, v in looked_at(os.getpid()).items()}
        row |= {f"worker {k}": v for k, v in looked_at(int(trial.worker or 0)).items()}
        row["proposal s"] = float(trial.believed.get("seconds", 0.0))
        self.rows.append(row)
        if len(self.rows) % self.every == 0:
            print(row, flush=True)


def looked_at(pid: int) -> dict[str, float]:
    """Resident memory in MB, threads and open files of a process; empty where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        files = len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return {}
    values = {line.partition(":")[0]: line.partition(":")[2].split() for line in status}
    return {
        "MB": int(values["VmRSS"][0]) / 1024,
        "threads": int(values["Threads"][0]),
        "files": files,
    }


def main() -> int:
    """Search, fit the slopes, write the figures; 1 where memory grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--space", default="pelt")
    given = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    root = Path(tempfile.mkdtemp(prefix="soak"))
    flags = {
        "task": "demo",
        "model": str(make_tiny_bert(root / "model")),
        "space": given.space,
        "budget": "50%",
        "trials": given.trials,
        "epochs": 1,
        "train_examples": 32,
        "workers": 1,
    }
    watch = Watch(every=20)
    record = search(make_plan(resolve_config(None, flags), "soak"), root / "study", watch)
    last = watch.rows[len(watch.rows) // 3 :]
    numbers = np.array([row["trial"] for row in last])
    slopes = {}
    for key in watch.rows[-1]:
        if key not in ("trial", "at"):
            values = np.array([row.get(key, np.nan) for row in last])
            good = np.isfinite(values)
            slopes[key] = float(np.polyfit(numbers[good], values[good], 1)[0])
    figures = {
        "trials": len(record.complete),
        "seconds": round(watch.rows[-1]["at"]),
        "slope a trial": slopes,
        "median proposal s, last 100": float(np.median([r["proposal s"] for r in last[-100:]])),
        "rows": watch.rows,
    }
    given.out.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps({k: v for k, v in figures.items() if k != "rows"}, indent=1))
    return int(max(slopes["driver MB"], slopes["worker MB"]) > 0.1)


if __name__ == "__main__":
    sys.exit(main())
