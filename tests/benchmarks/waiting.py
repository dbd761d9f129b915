"""An epoch with two threads, by how long one that has done its part looks whether others have.

    python tests/benchmarks/waiting.py                         # about a minute on a quiet machine
    python tests/benchmarks/waiting.py --busy 1                # beside one busy process

LoRA of rank 8 on MiniLM and 200 examples of the demo task, in a process of its own for each way:
the OpenMP runtime's default, GOMP_SPINCOUNT of 2000 (what workers have) and 500,
OMP_WAIT_POLICY=PASSIVE, and one thread. Prints a JSON line each: wall-clock and CPU seconds of the
second epoch, as the first sets things up.
"""

import argparse
import json
import os
import subprocess
import sys
import time

WAYS: dict[str, dict[str, str]] = {
    "default": {},
    "2000": {"GOMP_SPINCOUNT": "2000"},
    "500": {"GOMP_SPINCOUNT": "500"},
    "passive": {"OMP_WAIT_POLICY": "PASSIVE"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}


def work() -> None:
    """One training twice; prints what the second took."""
    from autopelt.architecture.seeds import seed_architecture
    from autopelt.backbones.shapes import shapes_of_model
    from autopelt.study.config import TrainingConfig
    from autopelt.training.context import Context
    from autopelt.training.loop import release, train_epochs
    from autopelt.training.spec import Setup

    context = Context(Setup("minilm", "demo", train_examples=200))
    architecture = seed_architecture("lora-r8", shapes_of_model(context.model))
    wall = cpu = 0.0
    for _ in range(2):
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in train_epochs(context, architecture, TrainingConfig(epochs=1), random_seed=0):
            pass
        release(context)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"wall_s": round(wall, 2), "cpu_s": round(cpu, 2)}))


def main() -> None:
    """Each way in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--busy", type=int, default=0, help="busy processes beside")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work()
        return
    beside = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(given.busy)
    ]
    try:
        for way in given.ways.split(","):
            told = os.environ | {"OMP_NUM_THREADS": str(given.threads)} | WAYS[way]
            command = [sys.executable, __file__, "--worker"]
            done = subprocess.run(command, env=told, stdout=subprocess.PIPE, text=True, check=True)
            seconds = json.loads(done.stdout.splitlines()[-1])
            print(json.dumps({"benchmark": "waiting", "way": way, "busy": given.busy} | seconds))
    finally:
        for process in beside:
            process.kill()


if __name__ == "__main__":
    main()
