"""A training step of LoRA on a random decoder in each precision: time and resident memory.

    python tests/benchmarks/precisions.py                       # some minutes
    python tests/benchmarks/precisions.py --width 256 --layers 4

Each precision runs in a process of its own: the model is loaded from a folder, then a few steps of
4 texts of 64 tokens, the first of which is left out; with one thread, or on a GPU (`measuring`).
``fp32``, ``auto products`` (weights fp32, products with
them bf16), ``bf16``, ``int8`` and ``nf4`` (with the extra quantized) are autopelt's; ``peft
bf16`` is a plain loop around a model that was loaded in bf16 whole, its modules in fp32. Prints one
JSON line each.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from measuring import MIB, clock, held, on_gpu, peak

WAYS = ("fp32", "auto products", "bf16", "int8", "nf4", "peft bf16")


def make(folder: str, width: int, layers: int) -> None:
    """Write a random Llama."""
    import torch
    from transformers import LlamaConfig, LlamaForSequenceClassification

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32_000,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        num_key_value_heads=width // 64,
        intermediate_size=width * 11 // 4,
        max_position_embeddings=256,
        pad_token_id=0,
    )
    LlamaForSequenceClassification(config).save_pretrained(folder)


def measure(folder: str, way: str, steps: int) -> dict[str, float]:
    """Seconds a step, and MiB that are resident after loading and at the peak of the steps."""
    import torch
    from transformers import AutoModelForSequenceClassification, PreTrainedModel

    from autopelt.architecture.seeds import seed_architecture
    from autopelt.backbones import quantised
    from autopelt.backbones.load import load_model
    from autopelt.backbones.shapes import shapes_of_model
    from autopelt.backbones.source import resolve
    from autopelt.modules.attachment import attach
    from autopelt.system.memory import trim_heap
    from autopelt.training.precision import products

    torch.set_num_threads(1)
    before, device = held(), torch.device("cuda" if on_gpu() else "cpu")
    how = "bf16" if way == "auto products" else "fp32"
    inside = products(device, how)
    if way == "peft bf16":
        from peft import LoraConfig, get_peft_model

        plain = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.bfloat16)
        config = LoraConfig(r=8, target_modules=["q_proj", "v_proj"], task_type="SEQ_CLS")
        model: torch.nn.Module = get_peft_model(plain, config, autocast_adapter_dtype=True)
        inside = nullcontext
    else:
        keep = "fp32" if way == "auto products" else way
        made = load_model(resolve(folder), "sequence_classification", 2, 0, keep=keep)
        attach(made, seed_architecture("lora-r8", shapes_of_model(made)))
        model = made
    if isinstance(model, PreTrainedModel):
        quantised.place(model, device)
    else:
        model.to(device)
    trim_heap()
    loaded = held() - before
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained)
    ids = torch.randint(1, 32_000, (4, 64), device=device)
    labels = torch.tensor([0, 1, 0, 1], device=device)
    times = []
    for _ in range(steps + 1):
        begun = clock()
        with inside():
            loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        times.append(clock() - begun)
    after = peak() if on_gpu() else held()
    parameters = sum(p.numel() for p in model.parameters())
    return {
        "parameters": parameters,
        "seconds": round(min(times[1:]), 4),
        "loaded MiB": round(loaded / MIB),
        "steps MiB": round((after - before) / MIB),
    }


def main() -> None:
    """Run each precision in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("FOLDER", "WAY"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(*given.one, given.steps)))
        return
    with tempfile.TemporaryDirectory() as folder:
        make(str(Path(folder)), given.width, given.layers)
        for way in WAYS:
            command = [sys.executable, __file__, "--steps", str(given.steps), "--one", folder, way]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            print(json.dumps({"way": way} | json.loads(done.stdout.splitlines()[-1])), flush=True)


if __name__ == "__main__":
    main()
