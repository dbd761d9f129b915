"""Memory of a worker beside what it cannot do without.

    python tests/benchmarks/memory.py                          # about a minute
    python tests/benchmarks/memory.py --model minilm --architecture unipelt --batch 16

Runs two trials in a process of its own, on the demo task: adapters in the upper half, with the
states of the lower layers kept, then the architecture asked for. Compared are the peak of its
resident memory, less what Python and the libraries take before a model is loaded, and the sum of
backbone, states kept, and what one trial needs: the activations that a training step saves for its
backward pass, and trained weights with gradients, moments and a copy of the best. The goal is at
most 1.3. Prints one JSON line.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measuring import MIB, resident


def work(given: argparse.Namespace) -> None:
    """The worker: prints what it saw as JSON."""
    import datasets  # noqa: F401  # libraries first: they are not what is measured
    import sklearn.metrics  # noqa: F401
    import torch
    import transformers.models.bert.modeling_bert  # noqa: F401

    from autopelt.architecture.architecture import Architecture
    from autopelt.architecture.seeds import seed_architecture
    from autopelt.backbones.shapes import shapes_of_model
    from autopelt.methods.module import Module
    from autopelt.modules.attachment import attach
    from autopelt.study.config import TrainingConfig
    from autopelt.training.context import Context
    from autopelt.training.loop import release, train_epochs
    from autopelt.training.modes import set_training_mode
    from autopelt.training.shared_arrays import SharedArrays
    from autopelt.training.spec import Setup

    torch.set_num_threads(given.threads)
    # One product and one step of an optimiser: what the libraries set up only when first used.
    weight = torch.nn.Parameter(torch.randn(64, 64))
    (weight @ weight).sum().backward()
    torch.optim.AdamW([weight], foreach=True).step()
    libraries = resident("VmRSS")
    context = Context(Setup(given.model, "demo", train_examples=given.train_examples))
    shapes = shapes_of_model(context.model)
    half = Architecture(
        tuple(
            Module("sequential_adapter", "ffn", n, 24)
            for n in range(shapes.layers // 2, shapes.layers)
        )
    )
    wanted = seed_architecture(given.architecture, shapes)
    training = TrainingConfig(epochs=1, batch_size=given.batch)
    with tempfile.TemporaryDirectory() as folder:
        context.arrays = SharedArrays(Path(folder), 2**32)
        for architecture in (half, wanted):
            for _ in train_epochs(context, architecture, training, random_seed=0):
                pass
            release(context)
        kept = context.arrays.used()
    peak = resident("VmHWM")

    attach(context.model, wanted, random_seed=0)
    set_training_mode(context.model)
    longest = sorted(
        range(len(context.splits["train"].rows)), key=context.splits["train"].lengths.__getitem__
    )
    batch = context.batch("train", longest[-given.batch :])
    parameters = {p.untyped_storage().data_ptr() for p in context.model.parameters()}
    saved: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = context.model(**batch).loss
    loss.backward()
    backbone = sum(p.nbytes for p in context.model.base_model.parameters())
    # Trained weights, gradients, two moments of AdamW, and the weights of the best epoch.
    trained = 5 * sum(p.nbytes for p in context.model.parameters() if p.requires_grad)
    print(
        json.dumps(
            {
                "libraries": libraries,
                "peak": peak,
                "backbone": backbone,
                "kept_states": kept,
                "activations": sum(saved.values()),
                "trained": trained,
            }
        )
    )


def main() -> None:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--model", default="minilm")
    made.add_argument("--architecture", default="unipelt", help="a seed architecture")
    made.add_argument("--train-examples", type=int, default=600)
    made.add_argument("--batch", type=int, default=64)
    made.add_argument("--threads", type=int, default=1)
    made.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = made.parse_args()
    if given.worker:
        work(given)
        return
    command = [sys.executable, __file__, *sys.argv[1:], "--worker"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    needed = sum(told[n] for n in ("backbone", "kept_states", "activations", "trained"))
    own = told["peak"] - told["libraries"]
    print(
        json.dumps(
            {
                "benchmark": "memory",
                "model": given.model,
                "architecture": given.architecture,
                "mib": {name: round(value / MIB) for name, value in told.items()},
                "peak_over_backbone": round(told["peak"] / told["backbone"], 2),
                "own_over_needed": round(own / needed, 2),
                "goal": 1.3,
            }
        )
    )


if __name__ == "__main__":
    main()
