"""What one architecture costs to train and to use, measured in a process of its own.

`measured` starts a process that does nothing else, so its peak memory is its own; the caller sees
to it that nothing else runs meanwhile. Training goes through the ordinary loop, without the cache
of the trunk. Latency is of the deployed form (prefixes folded, LoRA without a gate merged), in turn
with the bare backbone, so that a machine that is slow for a while slows both.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from autopelt.study.config import TrainingConfig
from autopelt.training.spec import Setup

if TYPE_CHECKING:
    from autopelt.architecture.architecture import Architecture
    from autopelt.training.context import Context

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
    import resource

    import numpy as np
    import torch

    from autopelt.architecture.architecture import Architecture
    from autopelt.modules.attachment import detach
    from autopelt.training.context import Context, Split
    from autopelt.training.loop import train_epochs

    torch.set_num_threads(threads)
    context = Context(setup)
    whole = len(context.splits["train"].lengths)
    rng = np.random.default_rng((random_seed, 43))

    def shorten(name: str, size: int) -> None:
        split = context.splits[name]
        kept = sorted(rng.permutation(len(split.rows))[:size].tolist())
        context.splits[name] = Split(
            split.encoded.select(kept),
            [split.rows[i] for i in kept],
            [split.lengths[i] for i in kept],
        )

    shorten("train", STEPS * training.batch_size)
    shorten("selection", max(BATCHES))
    steps = -(-len(context.splits["train"].rows) // training.batch_size)
    on_gpu = context.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    seconds, joules = [], []
    found = Architecture.from_json(architecture)
    epochs = train_epochs(context, found, replace_epochs(training, 3), random_seed)
    meter = Energy(on_gpu)
    before = meter.read()
    for result in epochs:
        after = meter.read()
        if result.epoch > 1 and "train" in result.seconds:
            seconds.append(result.seconds["train"] / steps)
            if before is not None and after is not None and after > before:
                # Scoring the few selection examples is in it; it is a small part of an epoch.
                joules.append((after - before) / steps)
        before = meter.read()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak *= 1 if sys.platform == "darwin" else 1024
    if on_gpu:
        peak = torch.cuda.max_memory_allocated()
    made: dict[str, Any] = {
        "step_seconds": median(seconds) if seconds else 0.0,
        "steps_an_epoch": -(-whole // training.batch_size),
        "peak_bytes": int(peak),
        "step_joules": median(joules) if joules else None,
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
    }
    detach(context.model)
    return made | latency(context, found, random_seed)


def replace_epochs(training: TrainingConfig, epochs: int) -> TrainingConfig:
    """The same training for another number of epochs."""
    return training.model_copy(update={"epochs": epochs})


def latency(context: Context, architecture: Architecture, random_seed: int) -> dict[str, Any]:
    """Of 1 and of 32 examples of typical length, in fp32, as the shipped model computes."""
    from autopelt.training.costs import nearest_to_median, pace, typical

    lengths = context.splits["selection"].lengths
    made: dict[str, Any] = {"tokens": int(lengths[nearest_to_median(lengths)[0]])}
    for size, (rounds, passes) in BATCHES.items():
        batch = typical(context, "selection", size)
        found = pace(
            context, architecture, batch, random_seed=random_seed, rounds=rounds, passes=passes
        )
        made |= {f"latency_{size}": found.deployed, f"times_bare_{size}": found.times}
    return made


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


@contextmanager
def _only_result() -> Iterator[None]:
    """Libraries print to standard output at will; there only the result may go."""
    standard = sys.stdout
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        sys.stdout = standard


def main() -> None:
    """Read a request from standard input, print the result as one line of JSON."""
    asked = json.load(sys.stdin)
    with _only_result():
        made = measure(
            asked["architecture"],
            Setup(**asked["setup"]),
            TrainingConfig(**asked["training"]),
            asked["threads"],
            asked["random_seed"],
        )
    sys.stdout.write(json.dumps(made) + "\n")


if __name__ == "__main__":
    main()
