"""SIGKILL at random moments while trials train: of the search's own process, and of its workers.

    python tests/benchmarks/kill_trainings.py --out kills.json

One study is searched, its process killed, resumed and killed again, each time a random while after
a first epoch has been told; in the end it must be, to the bit, the study that nobody killed. In a
second study, one search, the worker is killed at random times: each kill costs one trial, which has
failed for that cause, and no more. (`kill_moments.py` kills at named points of the code.)
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "execution"))
import test_killed_driver as suite
from process_tree import descendants, ray_processes
from tiny_models import make_tiny_bert

EPOCHS = 30


class Search:
    """`autopelt` as a child, and what it tells."""

    def __init__(self, arguments: list[str]) -> None:
        command = [sys.executable, "-m", "autopelt", *arguments, "--json"]
        self.child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.epochs: list[dict[str, Any]] = []
        self.told = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            if line.startswith('{"event": "epoch"'):
                self.epochs.append(json.loads(line))
                self.told.set()
        self.told.set()

    def trains(self) -> bool:
        """Wait for the next epoch; False where the search has ended."""
        self.told.clear()
        return self.told.wait(600) and self.child.poll() is None

    def now(self) -> str:
        """Where the trial is that told last."""
        last = self.epochs[-1]
        return f"trial {last['trial']}, epoch {last['epoch']} of {EPOCHS} told"


def main() -> int:
    """Kill, count, write the figures; 1 where something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=10, help="of the search; as many of workers")
    parser.add_argument("--random-seed", type=int, default=0, help="of the moments")
    given = parser.parse_args()
    os.environ["AUTOPELT_KILL_TEST"] = str(os.getpid())
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    root = Path(tempfile.mkdtemp(prefix="kills"))
    model, rng = make_tiny_bert(root / "model"), random.Random(given.random_seed)
    begun = time.monotonic()
    rows = kill_the_search(root, model, given.kills, rng)
    rows += kill_workers(root / "workers", model, given.kills, rng)
    figures = {
        "kills": len(rows),
        "within a trial": sum(bool(row["within a trial"]) for row in rows),
        "lost": sum(int(row["lost"]) for row in rows),
        "seconds": round(time.monotonic() - begun),
        "rows": rows,
    }
    given.out.write_text(json.dumps(figures, indent=1) + "\n")
    print({key: value for key, value in figures.items() if key != "rows"})
    return int(figures["lost"] > 0)


def flags(model: Path, folder: Path, trials: int) -> list[str]:
    """A study of one worker whose trials have many short epochs."""
    suite.TRIALS = trials
    words = suite.flags(model, folder)
    words[words.index("--epochs") + 1] = str(EPOCHS)
    return words


def kill_the_search(
    root: Path, model: Path, kills: int, rng: random.Random
) -> list[dict[str, Any]]:
    """Kill and resume one study again and again; a row a kill."""
    trials = kills
    whole = Search(flags(model, root / "whole", trials))
    whole.child.wait()
    expected, _ = suite.done(root / "whole")
    a_trial = sorted(t.took for t in expected.trials)[trials // 2]
    print(f"not killed: {trials} trials of {a_trial:.1f} s in the median", flush=True)
    folder, rows = root / "search", []
    for _ in range(kills):
        born = (folder / "config.yaml").is_file()
        before = suite.done(folder)[0].complete if born else []
        search = Search(["resume", str(folder)] if born else flags(model, folder, trials))
        if not search.trains():
            break  # it came to its end
        time.sleep(rng.random() * a_trial)
        search.child.kill()
        if search.child.wait() != -signal.SIGKILL:
            break
        after, _ = suite.done(folder)
        running = [t for t in after.trials if t.state == "running"]
        kept = {t.number: t for t in after.trials}
        rows.append(
            {
                "killed": "the search",
                "at": search.now(),
                "within a trial": any(0 < len(t.scores) < EPOCHS for t in running),
                "complete": len(after.complete),
                "lost": sum(kept.get(t.number) != t for t in before),
            }
        )
        print(rows[-1], flush=True)
    last = Search(["resume", str(folder)])
    assert last.child.wait() == 0
    suite.assert_whole(folder, expected)
    assert not ray_processes()
    print("whole, as the study that was not killed; no process left", flush=True)
    return rows


def kill_workers(folder: Path, model: Path, kills: int, rng: random.Random) -> list[dict[str, Any]]:
    """Kill the worker of one search again and again; a row a kill."""
    trials, rows = 2 * kills + 2, []
    search = Search(flags(model, folder, trials))
    while search.trains() and len(rows) < kills:
        numbers = {epoch["trial"] for epoch in search.epochs}
        if len(numbers) < 2 + 2 * len(rows):  # three failures at the start would end the search
            continue
        time.sleep(rng.random() * 0.5)
        workers = [p for p, name in descendants(search.child.pid).items() if ".train" in name]
        at = search.now()
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        if workers:
            last = search.epochs[-1]
            within = last["epoch"] < EPOCHS
            rows.append({"killed": "the worker", "at": at, "within a trial": within, "lost": 0})
            print(rows[-1], flush=True)
            while search.epochs[-1]["trial"] == last["trial"] and search.trains():
                pass
    assert search.child.wait() == 0
    record, _ = suite.done(folder)
    assert [t.number for t in record.trials] == list(range(trials))
    failed = [t for t in record.trials if t.state == "failed"]
    assert len(record.complete) == trials - len(failed)
    assert {t.reason for t in failed} <= {
        "the worker process died (killed, or out of memory); it was replaced"
    }
    assert len(failed) <= len(rows)
    assert not ray_processes()
    print(f"{len(rows)} kills: {len(failed)} trials failed for that, no other", flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
