"""Time and memory of the device that trains: a GPU where there is one, else this process.

On a processor time is the process's own, so that other work beside counts little, and memory is
what is resident; on a GPU time is wall-clock once all that was sent has run, and memory is what
tensors hold there.
"""

import csv
import json
import sys
import time
from pathlib import Path
from typing import Any

MIB = 2**20


def json_lines(text: str) -> list[dict[str, Any]]:
    """What a benchmark prints that is JSON, a line each."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def complete_trials(path: Path) -> list[dict[str, str]]:
    """Rows of a study's trials.csv that have a final score, as they ended."""
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["state"] == "complete"]
    return sorted(rows, key=lambda row: float(row["finished"]))


def resident(key: str) -> int:
    """Bytes of a line of /proc/self/status: VmRSS is resident now, VmHWM its peak."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this system has no /proc/self/status with memory figures")


def on_gpu() -> bool:
    """Whether trainings of this process run on a GPU."""
    import torch

    return torch.cuda.is_available()


def clock() -> float:
    """Seconds, for differences."""
    if not on_gpu():
        return time.process_time()
    import torch

    torch.cuda.synchronize()
    return time.perf_counter()


def held() -> int:
    """Bytes held now; on a GPU the peak begins anew."""
    if not on_gpu():
        return resident("VmRSS")
    import torch

    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated()


def peak() -> int:
    """The most bytes held, on a GPU since `held`, else since the process began."""
    if not on_gpu():
        return resident("VmHWM")
    import torch

    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated()
