"""What the dry run says of a worker's memory beside the measured peak.

    python tests/benchmarks/memory_forecast.py                        # some minutes
    AUTOPELT_DECODER=DIR python tests/benchmarks/memory_forecast.py   # a pretrained decoder as well

Each case is one epoch of LoRA on all linear maps in a process of its own: MiniLM on the demo task,
a random Llama and a random GPT-2 that write. Python and libraries are in neither number. The goal
is 0.75 to 1.25. Prints one JSON line a case.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measuring import MIB, held, on_gpu, peak

TEXT = "the cat sat on the mat and the dog did not see it near the old red house"

CASES: dict[str, dict[str, Any]] = {
    "minilm": {"task": "demo", "batch_size": 64, "train_examples": 192},
    "minilm, checkpointing": {
        "task": "demo",
        "batch_size": 64,
        "train_examples": 192,
        "gradient_checkpointing": True,
    },
    "llama": {"model": "llama", "batch_size": 8},
    "llama, checkpointing": {"model": "llama", "batch_size": 8, "gradient_checkpointing": True},
    "llama, bf16": {"model": "llama", "batch_size": 8, "precision": "bf16"},
    "gpt2": {"model": "gpt2", "batch_size": 8},
    "decoder": {"model": "", "batch_size": 2},
    "decoder, checkpointing": {"model": "", "batch_size": 2, "gradient_checkpointing": True},
    "decoder, nf4": {"model": "", "batch_size": 2, "precision": "nf4"},
}


def make(folder: Path, name: str) -> None:
    """Write a random decoder of 6 layers, with a tokenizer."""
    from tiny_models import byte_level
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = byte_level(begin=False)
    sizes: dict[str, Any] = {
        "llama": {
            "hidden_size": 256,
            "num_hidden_layers": 6,
            "num_attention_heads": 8,
            "num_key_value_heads": 4,
            "intermediate_size": 704,
            "max_position_embeddings": 512,
        },
        "gpt2": {"n_embd": 256, "n_layer": 6, "n_head": 8, "n_positions": 512},
    }[name]
    config = AutoConfig.for_model(name, vocab_size=16_000, **sizes)
    config.eos_token_id = config.bos_token_id = config.pad_token_id = tokenizer.pad_token_id
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def work(name: str, folder: Path) -> None:
    """The worker: prints what was said and what was measured, in bytes."""
    import sklearn.metrics  # noqa: F401  # libraries are not what is measured
    import torch

    from autopelt.architecture.seeds import seed_architecture
    from autopelt.system.memory import own_memory, trim_heap
    from autopelt.training.context import Context
    from autopelt.training.loop import release, train_epochs
    from autopelt.training.spec import Setup
    from autopelt.workflows.plan import make_plan
    from autopelt.workflows.settings import resolve_config

    torch.set_num_threads(1)
    given = dict(CASES[name])
    if "model" in given:
        if given["model"]:
            make(folder / "model", given["model"])
        words = TEXT.split()
        rows = [
            {"text": " ".join(words[n % 9 :] * 3), "target": " ".join(words[: 9 + n % 4] * 3)}
            for n in range(48)
        ]
        own = folder / "own.jsonl"
        own.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        given["model"] = str(folder / "model") if given["model"] else os.environ["AUTOPELT_DECODER"]
        given |= {"train": str(own), "target": "target", "kind": "generation", "score": "loss"}
    common = {"precision": "fp32", "epochs": 1, "workers": 1, "space": "lora", "budget": "2%"}
    plan = make_plan(resolve_config(None, common | {"packing": "off"} | given), "")
    assert plan.forecast is not None
    said = plan.forecast.of(plan.config)
    weight = torch.nn.Parameter(torch.randn(64, 64))  # what libraries set up when first used
    (weight @ weight).sum().backward()
    torch.optim.AdamW([weight], foreach=True).step()
    trim_heap()
    before = held() if on_gpu() else own_memory()
    context = Context(Setup.of(plan.config))
    architecture = seed_architecture("lora-all-r8", plan.shapes)
    for _ in train_epochs(context, architecture, plan.config.training, 0):
        pass
    release(context)
    measured = peak() - before
    trained = said.trained * plan.counter.count(architecture).trained // plan.limit
    told = {
        "weights": said.weights,
        "copies": said.copies,
        "activations": said.activations,
        "logits": said.logits,
        "trained": trained,
    }
    print(json.dumps(told | {"peak": measured}))


def main() -> None:
    """Run each case in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", action="append", choices=CASES)
    parser.add_argument("--worker", nargs=2, metavar=("CASE", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(given.worker[0], Path(given.worker[1]))
        return
    there = [n for n in CASES if not n.startswith("decoder") or "AUTOPELT_DECODER" in os.environ]
    support = str(Path(__file__).parents[1] / "support")
    path = os.pathsep.join([os.environ.get("PYTHONPATH", ""), support])
    for name in given.case or there:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, "--worker", name, folder]
            environment = os.environ | {"PYTHONPATH": path}
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env=environment
            )
        if done.returncode:
            sys.exit(done.stderr)
        told = json.loads(done.stdout.splitlines()[-1])
        said = sum(told.values()) - told["peak"]
        mib = {key: round(value / MIB) for key, value in told.items()}
        print(
            json.dumps({"case": name, "mib": mib, "said_over_peak": round(said / told["peak"], 2)})
        )


if __name__ == "__main__":
    main()
