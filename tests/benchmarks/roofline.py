"""How near a training step comes to the machine's own matrix products.

    python tests/benchmarks/roofline.py                        # about a minute
    python tests/benchmarks/roofline.py --architecture lora-r8 --batch 32 --length 128
    python tests/benchmarks/roofline.py --precision fp32

Records every matrix product of one training step on MiniLM (forward, backward, with clipping and
AdamW around it), measures how fast the machine does products of the same shapes and precisions
alone, and compares the two in turn. Achieved GFLOP/s over the machine's best is then the time that
the bare products take over the time of the step. What fused attention multiplies is not among
them, so its time counts against the step. Prints one JSON line.
"""

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.load import load_model
from autopelt.backbones.shapes import shapes_of_model
from autopelt.backbones.source import resolve
from autopelt.modules.attachment import attach
from autopelt.modules.parameter_groups import parameter_groups
from autopelt.training.dropout import FastDropout
from autopelt.training.modes import set_training_mode
from autopelt.training.precision import precision, products

aten: Any = torch.ops.aten
Product = tuple[int, int, int, int, torch.dtype]
"""(batch, m, k, n, precision): so many products of (m, k) by (k, n)."""


class Products(TorchDispatchMode):
    """Counts the matrix products that are run, by shape."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[Product] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        first = {aten.mm.default: 0, aten.addmm.default: 1, aten.bmm.default: 0}.get(func)
        if first is not None:
            a, b = args[first], args[first + 1]
            shape = (a.shape[0] if a.dim() == 3 else 1, *a.shape[-2:], b.shape[-1])
            self.found[(*shape, a.dtype)] += 1
        return func(*args, **(kwargs or {}))


CLOCK = {"now": time.perf_counter}


def flops(products: Counter[Product]) -> float:
    """Multiplications and additions of all of them."""
    return sum(2.0 * count * b * m * k * n for (b, m, k, n, _), count in products.items())


def best_seconds(products: Counter[Product], operands: dict[Product, Any], tries: int) -> float:
    """Seconds that all of them take alone: the best of a few tries for each shape."""
    total = 0.0
    for shape, count in products.items():
        a, b = operands[shape]
        total += count * min(timed(lambda a=a, b=b: torch.bmm(a, b)) for _ in range(tries))
    return total


def timed(run: Callable[[], object]) -> float:
    """Seconds that a call takes, by the clock that was asked for."""
    begun = CLOCK["now"]()
    run()
    return CLOCK["now"]() - begun


def main() -> None:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--architecture", default="unipelt", help="a seed architecture")
    made.add_argument("--batch", type=int, default=16)
    made.add_argument("--length", type=int, default=77)
    made.add_argument("--threads", type=int, default=2)
    made.add_argument("--rounds", type=int, default=7)
    made.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"))
    made.add_argument(
        "--cpu-clock", action="store_true", help="CPU seconds of one thread, on a busy machine"
    )
    given = made.parse_args()
    if given.cpu_clock:
        CLOCK["now"], given.threads = time.process_time, 1
    torch.set_num_threads(given.threads)
    model = load_model(resolve("minilm"), "sequence_classification", 2, 0)
    attach(model, seed_architecture(given.architecture, shapes_of_model(model)), random_seed=0)
    set_training_mode(model)
    groups = parameter_groups(model)
    optimizer = torch.optim.AdamW(groups, foreach=True)
    trained = [p for group in groups for p in group["params"]]
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(1000, 20000, (given.batch, given.length), generator=generator)
    mask = torch.ones_like(ids)
    mask[::2, -given.length // 10 :] = 0
    batch = {"input_ids": ids, "attention_mask": mask, "labels": torch.arange(given.batch) % 2}

    device = torch.device("cpu")
    chosen = precision(given.precision, device)
    in_precision = products(device, chosen)

    def step() -> None:
        with in_precision(), FastDropout():
            loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0, foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    step()
    with Products() as seen:
        step()
    operands = {
        (b, m, k, n, kind): (torch.randn(b, m, k, dtype=kind), torch.randn(b, k, n, dtype=kind))
        for b, m, k, n, kind in seen.found
    }
    steps, bare = [], []
    for _ in range(given.rounds):
        steps.append(timed(step))
        bare.append(best_seconds(seen.found, operands, tries=3))
    work = flops(seen.found)
    print(
        json.dumps(
            {
                "benchmark": "roofline",
                "architecture": given.architecture,
                "tokens": given.batch * given.length,
                "threads": given.threads,
                "precision": chosen,
                "products": sum(seen.found.values()),
                "step_ms": round(1e3 * statistics.median(steps), 1),
                "achieved_gflops": round(work / statistics.median(steps) / 1e9, 1),
                "best_gflops": round(work / statistics.median(bare) / 1e9, 1),
                "ratio": round(statistics.median(bare) / statistics.median(steps), 3),
                "goal": 0.6,
            }
        )
    )


if __name__ == "__main__":
    main()
