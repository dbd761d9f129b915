"""What commands cost that train nothing, and mistakes: CPU seconds, user and system, of a process.

    python tests/benchmarks/light_commands.py --times 5

The median of so many runs each, after one that fills caches. CPU seconds are alike
on a busy machine and on a quiet one, within a third.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STUDY = "tests/fixtures/study-7d51a0e"
COMMANDS = (
    "--version",
    "list spaces",
    "list tasks",
    "list architectures",
    "list models",
    "show unipelt",
    "diff unipelt lora-r8",
    "validate search_spaces/pelt.yaml --model minilm",
    f"validate {STUDY}/config.yaml",
    f"status {STUDY}",
    "search",
    "search --task dmeo",
    "search --task demo --budget 0",
    "search --task demo --budget 10",
    "search --task demo --space plet",
)


def cpu(words: Sequence[str], *, check: bool = False) -> float:
    """CPU seconds of one command; `check`: it must end well."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "autopelt", *words]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=check)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def peak(words: Sequence[str]) -> float:
    """Most memory that one command has had, in MiB."""
    code = (
        "import resource, sys; from autopelt.cli.main import main; main(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    command = [sys.executable, "-c", code, *words]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(run.stdout.split()[-1]) / 2**10


def main() -> None:
    """Print a line a command; the last line is one JSON object, seconds by command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    found: dict[str, float] = {}
    for command in COMMANDS:
        words = command.split()
        cpu(words)
        taken = statistics.median(cpu(words) for _ in range(times))
        print(f"{taken:5.2f} s {peak(words):5.0f} MiB  autopelt {command}", flush=True)
        found[command.split(" tests/")[0]] = round(taken, 2)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
