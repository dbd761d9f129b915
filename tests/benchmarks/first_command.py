"""Does the README's first command name a true gain? Ten studies of it, each confirmed.

    python tests/benchmarks/first_command.py --folder /tmp/first --studies 10

Each study is the command as a user gives it, with another random seed; then the best found and the
best made by hand are trained with five fresh random seeds and scored on the report split. A line a
study: what the verdict said before, and what the confirmation says. What is there already is not
made again, so the command goes on where it stopped. `docs/first-study.md` has the figures.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import autopelt
from autopelt.cards.verdict import lead
from autopelt.study.answer import answer

COMMAND = ("search", "--task", "demo", "--budget", "0.006%")


def run(*arguments: str) -> float:
    """Run a command of autopelt; the seconds that it took."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "autopelt", *arguments], check=True, stdout=sys.stderr)
    return time.perf_counter() - begun


def row(folder: Path, random_seed: int) -> dict[str, Any]:
    """Search, confirm, and what both say."""
    study, before = folder / f"study-{random_seed}", folder / f"search-{random_seed}.json"
    if not before.is_file():
        took = run(*COMMAND, "--random-seed", str(random_seed), "--out", str(study))
        record = autopelt.open_study(study).record
        known = answer(record)
        assert known is not None
        said = {
            "seconds": round(took),
            "trials": len(record.trials),
            "proposed": sum(t.origin in ("start", "model") for t in record.trials),
            "again": sum(t.repeats is not None for t in record.trials),
            "lead": lead(record),
            "expected": None if known.gain is None else round(known.gain.mean, 4),
        }
        before.write_text(json.dumps(said))
    run("confirm", str(study), "--seeds", "5", "--top", "1")
    known = answer(autopelt.open_study(study).record)
    assert known is not None
    assert known.gain is not None
    assert known.found is not None
    assert known.hand is not None
    return json.loads(before.read_text()) | {
        "random_seed": random_seed,
        "found": known.found.architecture.describe(),
        "hand": known.hand.name,
        "confirmed": round(known.gain.mean, 4),
        "interval": [round(end, 4) for end in known.gain.interval or ()],
    }


def main() -> None:
    """Read the command line and print a line a study."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True, help="where studies are kept")
    parser.add_argument("--studies", type=int, default=10)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for random_seed in range(given.studies):
        print(json.dumps(row(given.folder, random_seed)), flush=True)


if __name__ == "__main__":
    main()
