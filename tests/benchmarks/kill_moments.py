"""Kill a search with SIGKILL at every named point and at times spread over its run; count losses.

    python tests/benchmarks/kill_moments.py --out kills.json

For every phase one study is searched, killed at a point, resumed and killed at the next, and so on,
then resumed to its end and compared with a study that nobody killed. After each kill every trial
that was complete before must be there unchanged.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "execution"))
import test_killed_driver as suite
from killed_at import POINTS
from process_tree import ray_processes
from tiny_models import make_tiny_bert

from autopelt.study.record import StudyRecord

TIMES = 8
PHASES = ("start-up", "proposing", "training", "telling", "reporting")


def main() -> int:
    """Run all phases, print a line a kill, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--phases", nargs="*", default=[*PHASES, "times"], help="which")
    parser.add_argument("--random-seed", type=int, default=0, help="of the times")
    given = parser.parse_args()
    suite.TRIALS = given.trials
    os.environ["AUTOPELT_KILL_TEST"] = str(os.getpid())
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    root = Path(tempfile.mkdtemp(prefix="kills"))
    model = make_tiny_bert(root / "model")
    begun = time.monotonic()
    run(suite.flags(model, root / "whole"))
    seconds = time.monotonic() - begun
    whole, _ = suite.done(root / "whole")
    print(f"not killed: {len(whole.trials)} trials in {seconds:.0f} s", flush=True)
    rows = []
    for phase in (p for p in PHASES if p in given.phases):
        kills: list[tuple[str, float]] = [(n, 0.0) for n, p in POINTS.items() if p.phase == phase]
        rows += chain(phase, kills, root / phase, model, whole)
    rng = random.Random(given.random_seed)
    times = [("", seconds * (i + rng.random()) / TIMES) for i in range(TIMES)]
    rng.shuffle(times)
    if "times" in given.phases:
        rows += chain("any time", times, root / "times", model, whole)
    killed = [row for row in rows if row["killed"]]
    figures = {
        "moments": len(killed),
        "trials": given.trials,
        "lost": sum(row["lost"] for row in rows),
        "seconds": round(time.monotonic() - begun),
        "kills": rows,
    }
    given.out.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"{figures['moments']} kills, {figures['lost']} trials lost")
    return int(figures["lost"] > 0)


def chain(
    phase: str, kills: list[tuple[str, float]], folder: Path, model: Path, whole: StudyRecord
) -> list[dict[str, object]]:
    """Kill one study again and again, then let it end; a row a kill."""
    rows: list[dict[str, object]] = []
    before: StudyRecord | None = None
    for point, seconds in kills:
        born = (folder / "config.yaml").is_file()
        words = ["resume", str(folder)] if born else suite.flags(model, folder)
        if point:
            code = suite.killed_at(point, 1, words)
        else:
            code = suite.killed_after(seconds, words)
        after = suite.done(folder)[0] if (folder / "config.yaml").is_file() else None
        kept = {t.number: t for t in after.trials} if after is not None else {}
        complete = before.complete if before is not None else []
        lost = [t.number for t in complete if kept.get(t.number) != t]
        rows.append(
            {
                "phase": phase,
                "point": point or f"after {seconds:.1f} s",
                "killed": code == -signal.SIGKILL,
                "complete": len(after.complete) if after is not None else 0,
                "lost": len(lost),
            }
        )
        print(rows[-1], flush=True)
        before = after
    run(["resume", str(folder)] if before is not None else suite.flags(model, folder))
    suite.assert_whole(folder, whole)
    left = ray_processes()
    assert not left, left
    print(f"{phase}: whole, as the study that was not killed; no process left", flush=True)
    return rows


def run(arguments: list[str]) -> None:
    """Run autopelt to its end."""
    command = [sys.executable, "-m", "autopelt", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
