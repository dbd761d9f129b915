"""SIGKILL of a search with two workers at random moments; what is left after each.

    python tests/benchmarks/kill_anytime.py --kills 40 --seed 0 --out kills.json

One study is searched, killed at a random moment, resumed, killed again, and so on; whenever it
comes to its end it is given more trials. A quarter of the moments count from the command, the
others from when a trial has begun, so that a busy machine is not only killed in its start. After
each kill: `autopelt status` reads the study; every trial that was ever told as finished is there as
it was told; ten seconds later nothing that the search has started lives, and its temporary folders
are gone.
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
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from process_tree import descendants
from tiny_models import make_tiny_bert

from autopelt.study.storage import StudyStorage

AUTOPELT = (sys.executable, "-m", "autopelt")
ALLOWED = 10.0
TEMPORARY = ("apelt", "autopelt-trunk-")


def main() -> int:
    """Kill, look, write the figures; 1 where something was lost or left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--longest", type=float, default=10.0, help="seconds before a kill")
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="kills"))
    os.environ["TMPDIR"] = str(root / "t")  # so that every temporary folder there is this search's
    (root / "t").mkdir()
    model, rng = make_tiny_bert(root / "model"), random.Random(given.seed)
    study, rows = Study(root / "study", model), []
    begun = time.monotonic()
    while len(rows) < given.kills:
        row = kill(study, rng.random() < 0.75, rng.random() * given.longest, root / "t")
        if row is not None:
            rows.append(row)
            print(len(rows), row, flush=True)
            write(given.out, rows, time.monotonic() - begun)
    done = subprocess.run([*AUTOPELT, *study.command()], stdout=subprocess.DEVNULL)
    lost = study.lost()
    figures = write(given.out, rows, time.monotonic() - begun)
    print({key: value for key, value in figures.items() if key != "rows"}, done.returncode, lost)
    return int(any(figures[key] for key in ("lost", "left", "unreadable")) or bool(lost))


def write(path: Path, rows: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """The figures so far."""
    figures = {
        "kills": len(rows),
        "trials told as finished": rows[-1]["finished"],
        "lost": sum(row["lost"] for row in rows),
        "left": sum(row["left"] for row in rows),
        "unreadable": sum(not row["readable"] for row in rows),
        "longest until nothing lived": max(row["gone after"] for row in rows),
        "seconds": round(seconds),
        "rows": rows,
    }
    path.write_text(json.dumps(figures, indent=1) + "\n")
    return figures


class Study:
    """A study, and what was told of its trials."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self.model = folder, model
        self.trials = 40
        self.told: dict[int, float | None] = {}

    def command(self) -> list[str]:
        """Begins it, or goes on with it."""
        if (self.folder / "config.yaml").is_file():
            return ["resume", str(self.folder), "--trials", str(self.trials)]
        return [
            *("search", "--task", "demo", "--model", str(self.model), "--space", "tiny"),
            *("--budget", "4%", "--epochs", "1", "--workers", "2", "--train-examples", "64"),
            *("--trials", str(self.trials), "--out", str(self.folder)),
        ]

    def hear(self, lines: str) -> None:
        """Remember what was told; a last line may have been cut."""
        for line in lines.splitlines():
            with suppress(ValueError):
                event = json.loads(line)
                if event["event"] == "finished" and not event["reason"]:
                    self.told[event["trial"]] = event["score"]

    def lost(self) -> list[int]:
        """Trials that were told as finished and are not there, or not as they were told."""
        if not (self.folder / "config.yaml").is_file():
            return sorted(self.told)
        kept = {t.number: t for t in StudyStorage.open(self.folder).record().complete}
        return [n for n, score in self.told.items() if n not in kept or kept[n].score != score]


def kill(study: Study, training: bool, seconds: float, temporary: Path) -> dict[str, Any] | None:
    """Search for so many seconds, kill it and look; None where it ended before.

    Args:
        study: begun or not.
        training: count from when a trial has begun.
        seconds: until the kill.
        temporary: folder of everything temporary.
    """
    said = study.folder.with_suffix(".jsonl")
    with said.open("w") as out:
        child = subprocess.Popen(
            [*AUTOPELT, *study.command(), "--json"],
            stdout=out,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while training and child.poll() is None and '"started"' not in said.read_text():
            time.sleep(0.2)
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=seconds)
        below = [] if child.poll() is not None else started_by(child.pid)
        child.kill()
        child.wait()
    killed = time.monotonic()
    study.hear(said.read_text())
    if child.returncode != -signal.SIGKILL:
        study.trials += 20 * (child.returncode == 0)
        print("not killed, exit code", child.returncode, flush=True)
        return None
    while (left := living(below, temporary)) and time.monotonic() < killed + ALLOWED:
        time.sleep(0.1)
    gone = time.monotonic() - killed
    born = (study.folder / "config.yaml").is_file()
    status = subprocess.run(
        [*AUTOPELT, "status", str(study.folder)], capture_output=True, text=True
    )
    return {
        "after": round(seconds, 1),
        "of training": training,
        "processes": len(below),
        "left": len(left),
        "gone after": round(gone, 1),
        "what": left,
        "born": born,
        "readable": status.returncode == 0 or not born,
        "finished": len(study.told),
        "lost": len(study.lost()),
    }


def started_by(pid: int) -> list[psutil.Process]:
    """All processes below one, with the moments when they began."""
    found = []
    for number in set(descendants(pid)) - {pid}:
        with suppress(psutil.Error):
            found.append(psutil.Process(number))
    return found


def living(processes: list[psutil.Process], temporary: Path) -> list[str]:
    """What lives of these, or of what has a file open in the temporary folder; folders there."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            links = [os.readlink(entry) for entry in Path(f"/proc/{process.pid}/fd").iterdir()]
            ours = process in processes or any(str(temporary) in link for link in links)
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline())[:80])
    return found + [path.name for path in temporary.iterdir() if path.name.startswith(TEMPORARY)]


if __name__ == "__main__":
    sys.exit(main())
