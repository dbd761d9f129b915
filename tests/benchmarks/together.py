"""Several architectures in one batch, against one after another: what a large GPU gains.

    python tests/benchmarks/together.py                       # minutes on a GPU; MiniLM, the demo
    python tests/benchmarks/together.py --model DIR --examples 64 --members 1,2

Of each number of members: seconds of an epoch of one (`measuring`), trainings of 3 epochs an hour,
peak memory, the largest difference of a member's loss to the one that it has alone, and, on a GPU,
to the one that it has on the processor in fp32. Members are LoRA, adapters and prefixes in turn.
Prints one JSON line a number.
"""

import argparse
import json
from collections.abc import Sequence

import torch
from measuring import MIB, clock, held, on_gpu, peak

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.shapes import shapes_of_model
from autopelt.study.config import TrainingConfig
from autopelt.training.context import Context
from autopelt.training.loop import release, train, train_epochs
from autopelt.training.population import Population
from autopelt.training.results import EpochResult
from autopelt.training.spec import Setup

METHODS = ("lora-r8", "adapter-pfeiffer", "adapter-parallel", "unipelt")
EPOCHS, ORDER = 3, 1


def alone(
    context: Context, architectures: Sequence[Architecture], training: TrainingConfig
) -> tuple[list[float], float]:
    """Last losses of members that are trained one after another, and seconds of an epoch of one."""
    losses, seconds = [], 0.0
    for number, architecture in enumerate(architectures):
        begun = clock()
        *_, last = train_epochs(context, architecture, training, number, ORDER)
        seconds += clock() - begun
        release(context)
        losses.append(last.loss)
    return losses, seconds / len(architectures) / training.epochs


def together(
    context: Context, architectures: Sequence[Architecture], training: TrainingConfig
) -> tuple[list[float], float]:
    """The same in one batch."""
    begun = clock()
    members = [(architecture, number) for number, architecture in enumerate(architectures)]
    *_, last = train(Population(context, members, training, ORDER), training)
    seconds = (clock() - begun) / len(architectures) / training.epochs
    return [entry.loss for entry in last if isinstance(entry, EpochResult)], seconds


def main() -> None:
    """Measure each number of members."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--examples", type=int, default=256)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--members", default="1,2,4,8,16")
    given = parser.parse_args()
    context = Context(Setup(given.model, "demo", train_examples=given.examples))
    shapes = shapes_of_model(context.model)
    training = TrainingConfig(
        epochs=EPOCHS, batch_size=given.batch, dropout=False, precision="fp32"
    )
    numbers = [int(n) for n in given.members.split(",")]
    made = [seed_architecture(METHODS[n % len(METHODS)], shapes) for n in range(max(numbers))]
    few = made[: len(METHODS)]
    alone(context, made[:1], training)  # what libraries set up when first used
    own, one_by_one = alone(context, few, training)
    device, of_processor = context.device, own
    if on_gpu():
        context.device = torch.device("cpu")
        context.model.to(device=context.device)  # type: ignore[call-arg]
        of_processor, _ = alone(context, few, training)
        context.device = device
        context.model.to(device=device)  # type: ignore[call-arg]
    print(json.dumps({"members": "alone", "seconds": round(one_by_one, 3)}), flush=True)
    for number in numbers:
        before = held()
        losses, seconds = together(context, made[:number], training)
        told = {
            "members": number,
            "seconds": round(seconds, 3),
            "an hour": round(3600 / seconds / EPOCHS),
            "peak MiB": round((peak() - before) / MIB),
            "to alone": max(abs(a - b) for a, b in zip(losses, own)),
        }
        if on_gpu():
            told["to processor"] = max(abs(a - b) for a, b in zip(losses, of_processor))
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
