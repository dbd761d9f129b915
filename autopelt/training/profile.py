"""What one architecture costs to train and to use, measured in a process of its own.

`measured` starts a process that does nothing else, so its peak memory is its own; the caller sees
to it that nothing else runs meanwhile. Training goes through the ordinary loop, without the cache
of the trunk. Latency is of the deployed form (prefixes folded, LoRA without a gate merged), in turn
with the bare backbone, so that a machine that is slow for a while slows both.
"""

from __future__ import annotations

import importlib
import json
import resource
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter

from autopelt.architecture.architecture import Architecture
from autopelt.modules.attachment import detach
from autopelt.study.config import TrainingConfig
from autopelt.training.context import Context
from autopelt.training.costs import nearest_to_median, pace
from autopelt.training.loop import train_epochs
from autopelt.training.spec import Setup

STEPS = 8
"""Training steps of one measured epoch; of three epochs the first warms up."""
BATCHES = {1: (13, 5), 32: (7, 1)}
"""Examples of an inference batch: rounds, and predictions of each form in a round."""
POWERCAP = Path("/sys/class/powercap")


def measured(
    architecture: str, setup: Setup, training: TrainingConfig, threads: int, random_seed: int
) -> dict[str, Any]:
    """Measure an architecture (canonical JSON) in a new process.

    Returns:
        ``step_seconds``, ``steps_an_epoch``, ``peak_bytes``, ``latency_1`` and ``latency_32``
        (seconds, median), ``times_bare_1`` and ``times_bare_32`` (how many times the latency of
        the bare backbone that is), ``tokens`` (of the examples timed), ``step_joules`` (None where
        the machine does not tell) and ``device``; or ``reason`` alone where it failed.
    """
    asked = {
        "architecture": architecture,
        "setup": asdict(setup),
        "training": training.model_dump(),
        "threads": threads,
        "random_seed": random_seed,
    }
    done = subprocess.run(
        [sys.executable, "-m", "autopelt.training.profile"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return dict(json.loads(done.stdout.splitlines()[-1]))
    last = [line for line in done.stderr.splitlines() if line.strip()]
    return {"reason": f"could not be measured: {last[-1].strip() if last else done.returncode}"}


def measure(
    architecture: str, setup: Setup, training: TrainingConfig, threads: int, random_seed: int
) -> dict[str, Any]:
    """Measure in this process; see `measured`."""
    torch.set_num_threads(threads)
    context = Context(setup)
    whole = len(context.splits["train"].lengths)
    rng = np.random.default_rng((random_seed, 43))
    for name, size in (("train", STEPS * training.batch_size), ("selection", max(BATCHES))):
        split = context.splits[name]
        context.splits[name] = split.select(
            sorted(rng.permutation(len(split.rows))[:size].tolist())
        )
    on_gpu = context.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    parsed = Architecture.from_json(architecture)
    seconds, joules = _step_costs(context, parsed, training, random_seed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak *= 1 if sys.platform == "darwin" else 1024
    return {
        "step_seconds": seconds,
        "steps_an_epoch": -(-whole // training.batch_size),
        "peak_bytes": int(torch.cuda.max_memory_allocated() if on_gpu else peak),
        "step_joules": joules,
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
    } | latency(context, parsed, random_seed)


def _step_costs(
    context: Context, architecture: Architecture, training: TrainingConfig, random_seed: int
) -> tuple[float, float | None]:
    """Median seconds and joules of a training step; joules None where they are not told."""
    steps = -(-len(context.splits["train"].rows) // training.batch_size)
    seconds, joules = [], []
    meter = Energy(context.device.type == "cuda")
    before = meter.read()
    for result in train_epochs(
        context, architecture, training.model_copy(update={"epochs": 3}), random_seed
    ):
        after = meter.read()
        if result.epoch > 1 and "train" in result.seconds:
            seconds.append(result.seconds["train"] / steps)
            if before is not None and after is not None and after > before:
                # Scoring the few selection examples is in it; it is a small part of an epoch.
                joules.append((after - before) / steps)
        before = meter.read()
    detach(context.model)
    return median(seconds) if seconds else 0.0, median(joules) if joules else None


def latency(context: Context, architecture: Architecture, random_seed: int) -> dict[str, Any]:
    """Of 1 and of 32 examples of typical length, in fp32, as the shipped model computes."""
    lengths = context.splits["selection"].lengths
    measures: dict[str, Any] = {"tokens": int(lengths[nearest_to_median(lengths)[0]])}
    for size, (rounds, passes) in BATCHES.items():
        times = pace(
            context, architecture, size, random_seed=random_seed, rounds=rounds, passes=passes
        )
        measures |= {f"latency_{size}": times.deployed, f"times_bare_{size}": times.times}
    return measures


class Energy:
    """Joules used so far by the GPU (NVML) or the processors (RAPL), idle part included."""

    def __init__(self, gpu: bool) -> None:
        self._files = [] if gpu else sorted(POWERCAP.glob("intel-rapl:?/energy_uj"))
        self._handle: Any = None
        if gpu:
            try:
                pynvml: Any = importlib.import_module("pynvml")
                pynvml.nvmlInit()
                self._handle = pynvml.nvmlDeviceGetHandleByIndex(0)
                self._nvml = pynvml
            except Exception:  # no pynvml, or a driver that does not tell
                self._handle = None

    def read(self) -> float | None:
        """Joules since some start; None where the machine does not tell."""
        try:
            if self._handle is not None:
                return float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)) / 1e3
            values = [int(path.read_text()) for path in self._files]
        except Exception:  # RAPL is often for root alone
            return None
        return sum(values) / 1e6 if values else None


def main() -> None:
    """Read a request from standard input, print the result as one line of JSON."""
    asked = json.load(sys.stdin)
    asked["setup"] = TypeAdapter(Setup).validate_python(asked["setup"])
    asked["training"] = TrainingConfig(**asked["training"])
    with redirect_stdout(sys.stderr):  # libraries print at will; there only the result may go
        measures = measure(**asked)
    sys.stdout.write(json.dumps(measures) + "\n")


if __name__ == "__main__":
    main()
