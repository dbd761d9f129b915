"""Training examples per second on MiniLM and RTE, beside AdapterHub's `adapters` and its trainer.

    python tests/benchmarks/throughput.py --peer-python PEERS/bin/python     # 4 to 5 minutes
    python tests/benchmarks/throughput.py                                    # autopelt alone

`adapters` cannot live in one environment with transformers 5, so it runs in its own
(`--peer-python`; how to make one stands beside the script, `--peer`). Both sides have the same
data, length limit, batch size and threads; they run in turn (A B A B), and the medians over the
rounds are compared.

autopelt trains through its own loop on 256 examples, one pool of buckets, so the mix of lengths is
that of the whole data. `all` is UniPELT in all layers; `half` adapters in the upper half and `top`
adapters in the top layer, with the states of the layers below kept; computing these is spread over
20 trials of 5 epochs. The peer's adapters sit in all layers, as its script offers no others.
Prints one JSON line.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.shapes import shapes_of_model
from autopelt.methods.module import Module
from autopelt.study.config import TrainingConfig
from autopelt.training.context import Context
from autopelt.training.loop import release, train_epochs
from autopelt.training.shared_arrays import SharedArrays
from autopelt.training.spec import Setup

SHARED = Path(__file__).resolve().parents[3] / "shared"
EXAMPLES = 256
TRIALS, EPOCHS = 20, 5
PEERS = {
    "all": ("unipelt", "longest"),
    "all_max": ("unipelt", "max"),
    "half": ("seq_bn", "longest"),
}


def own_rates(
    context: Context, architectures: dict[str, Architecture], batch: int, epochs: int
) -> dict[str, float]:
    """Examples per second of each architecture; the first epoch only warms up."""
    rates = {}
    for name, architecture in architectures.items():
        training = TrainingConfig(epochs=1 + epochs, batch_size=batch)
        results = list(train_epochs(context, architecture, training, random_seed=0))
        release(context)
        seconds = [r.seconds["train"] for r in results[1:]]  # the first epoch warms up
        each = statistics.median(seconds) / len(context.splits["train"].rows)
        each += results[0].seconds.get("trunk", 0.0) / (TRIALS * EPOCHS * EXAMPLES)
        rates[name] = 1 / each
    return rates


def peer_rate(given: argparse.Namespace, config: str, padding: str) -> float:
    """Examples per second of the peer, from its own median."""
    command = [
        *(given.peer_python, str(given.peer), "--config", config, "--pad", padding),
        *("--data", str(given.data / "RTE" / "train.tsv"), "--maxlen", str(given.max_length)),
        *("--batch", str(given.batch), "--threads", str(given.threads)),
        *("--steps", str(given.peer_steps)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the peer failed: {done.stderr.strip().splitlines()[-1:]}")
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return float(told["examples_per_s_median"])


def main() -> None:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--data", type=Path, default=SHARED / "data" / "glue", help="with RTE in it")
    made.add_argument("--peer", type=Path, default=SHARED / "peers" / "peer_adapters.py")
    made.add_argument("--peer-python", help="Python of the environment that has adapters")
    made.add_argument("--peer-steps", type=int, default=12, help="of which 2 warm up")
    made.add_argument("--rounds", type=int, default=3)
    made.add_argument("--epochs", type=int, default=1, help="measured in a round")
    made.add_argument("--batch", type=int, default=16)
    made.add_argument("--max-length", type=int, default=256)
    made.add_argument("--threads", type=int, default=2)
    given = made.parse_args()
    torch.set_num_threads(given.threads)
    setup = Setup("minilm", "rte", str(given.data), EXAMPLES, given.max_length)
    context = Context(setup)
    kept = context.splits["selection"]  # scored after every epoch, but not measured here
    few = min(16, len(kept.rows))
    context.splits["selection"] = kept.select(range(few))
    layers = shapes_of_model(context.model).layers
    architectures = {"all": seed_architecture("unipelt", shapes_of_model(context.model))} | {
        name: Architecture(
            tuple(Module("sequential_adapter", "ffn", n, 24) for n in range(lowest, layers))
        )
        for name, lowest in (("half", layers // 2), ("top", layers - 1))
    }
    ours: dict[str, list[float]] = {name: [] for name in architectures}
    theirs: dict[str, list[float]] = {name: [] for name in PEERS}
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            context.arrays = SharedArrays(Path(folder), 2**32)
            found = own_rates(context, architectures, given.batch, given.epochs)
        for name, rate in found.items():
            ours[name].append(rate)
        if given.peer_python:
            for name, (config, padding) in PEERS.items():
                theirs[name].append(peer_rate(given, config, padding))
    result: dict[str, Any] = {
        "benchmark": "throughput",
        "batch": given.batch,
        "threads": given.threads,
        "rounds": given.rounds,
        "mean_tokens": round(statistics.fmean(context.splits["train"].lengths), 1),
        "examples_per_s": {k: round(statistics.median(v), 1) for k, v in ours.items()},
    }
    if given.peer_python:
        peer = {k: statistics.median(v) for k, v in theirs.items()}
        own = {k: statistics.median(v) for k, v in ours.items()}
        result["peer_examples_per_s"] = {
            f"{PEERS[k][0]} {PEERS[k][1]}": round(v, 1) for k, v in peer.items()
        }
        result["ratios"] = {
            "all over unipelt longest": round(own["all"] / peer["all"], 2),
            "all over unipelt max": round(own["all"] / peer["all_max"], 2),
            "half over adapters longest": round(own["half"] / peer["half"], 2),
            "half over unipelt longest": round(own["half"] / peer["all"], 2),
            "top over adapters longest": round(own["top"] / peer["half"], 2),
            "top over unipelt longest": round(own["top"] / peer["all"], 2),
        }
        result["goals"] = {
            "all over unipelt longest": 2.0,
            "all over unipelt max": 3.2,
            "half over adapters longest": 4.0,
            "top over adapters longest": 10.0,
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
