"""LoRA on a decoder, ours against a plain loop with peft: tokens a second, step time, peak memory.

    python tests/benchmarks/decoder.py                     # some minutes; a random Llama of 100M
    python tests/benchmarks/decoder.py --model DIR         # a pretrained one
    python tests/benchmarks/decoder.py --part mixed --width 384 --layers 6

Two parts. ``mixed``: texts of 16 to 500 tokens, half of each a prompt, the rest learned; batches of
8. ``equal``: texts of one length, so that nothing is padded anywhere. Peft's loop is what people
write: LoRA r8 on query and value, AdamW, clipped gradients, batches in random order, padded to
their longest text, the model's own loss. Ours is the loop of a trial. Every way runs in a process
of its own with one thread, in turn, `--rounds` times; times are the process's own, so that other
work beside counts little. Memory is the peak beside Python and the libraries. Prints one JSON line
a way, medians of the rounds, and what they are in parts of peft's.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from measuring import MIB, clock, held, on_gpu, peak

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

PARTS = {
    "mixed": ("peft", "packing off", "packing auto", "packing on"),
    "equal": ("peft", "packing off", "checkpointing", "peft checkpointing"),
}
BATCH = 8


def make(folder: Path, width: int, layers: int) -> None:
    """Write a random Llama with a tokeniser of letters."""
    import torch
    from tiny_models import byte_level
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = byte_level(False)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=16_000,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        num_key_value_heads=max(1, width // 192),
        intermediate_size=width * 8 // 3,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def data(folder: Path, part: str, examples: int) -> str:
    """Write texts to learn and a few to score; the task's text."""
    from autopelt.tasks import task_from_files

    draw = random.Random(1)
    for name, number in (("train", examples), ("validation", 2)):
        rows = []
        for _ in range(number):
            words = min(250, max(8, int(draw.lognormvariate(3.7, 0.9)))) if part == "mixed" else 200
            text, target = (
                " ".join(draw.choices("abcdefgh", k=words // 2 + side)) for side in (0, words % 2)
            )
            rows.append(json.dumps({"text": text, "target": target}))
        (folder / f"{name}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return task_from_files(
        str(folder / "train.jsonl"),
        validation=str(folder / "validation.jsonl"),
        kind="generation",
        score="loss",
    ).spec


def ours(setup: Any, way: str, epochs: int) -> tuple[list[float], int, int]:
    """Seconds of each epoch, its tokens, and bytes that were resident before the model."""
    from autopelt.architecture.architecture import Architecture
    from autopelt.backbones.load import load_config
    from autopelt.methods.module import Module
    from autopelt.study.config import TrainingConfig
    from autopelt.training import loop
    from autopelt.training.context import Context

    seconds, plain = [], loop._train_epoch

    def timed(*args: Any) -> Any:
        begun = clock()
        found = plain(*args)
        seconds.append(clock() - begun)
        return found

    loop._train_epoch = timed
    packing: Any = way.removeprefix("packing ") if way.startswith("packing") else "off"
    layers = load_config(setup.source).num_hidden_layers
    places = [(n, place) for n in range(layers) for place in ("attention.query", "attention.value")]
    lora = Architecture(tuple(Module("lora", place, n, 8) for n, place in places))
    training = TrainingConfig(
        epochs=epochs,
        batch_size=BATCH,
        precision="fp32",
        packing=packing,
        gradient_checkpointing=way == "checkpointing",
    )
    before = held()
    context = Context(setup)
    for _ in loop.train_epochs(context, lora, training, 0):
        pass
    return seconds, sum(context.splits["train"].lengths), before


def peft(setup: Any, way: str, epochs: int) -> tuple[list[float], int, int]:
    """The same of peft's loop."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from autopelt.backbones.load import load_config, load_tokenizer
    from autopelt.tasks import make_task
    from autopelt.training.spec import data_source

    tokenizer = load_tokenizer(setup.source)
    task = make_task(setup.task).for_model(load_config(setup.source))
    splits = task.load(data_source(setup))
    rows = task.encode(splits.train, tokenizer, setup.max_length).to_list()
    before = held()
    made = AutoModelForCausalLM.from_pretrained(setup.source.path_or_name, dtype=torch.float32)
    config = LoraConfig(r=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    device = torch.device("cuda" if on_gpu() else "cpu")
    model: Any = get_peft_model(made, config).to(device)
    if way == "peft checkpointing":
        made.activation_checkpointing_enable({"use_reentrant": False})
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=2e-4)
    order, seconds = torch.Generator().manual_seed(0), []
    for _ in range(epochs):
        begun = clock()
        indices = torch.randperm(len(rows), generator=order).tolist()
        for start in range(0, len(rows), BATCH):
            batch = task.collate([rows[i] for i in indices[start : start + BATCH]], tokenizer)
            model(**{key: value.to(device) for key, value in batch.items()}).loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            optimiser.zero_grad()
        seconds.append(clock() - begun)
    return seconds, sum(row["length"] for row in rows), before


def measure(folder: str, part: str, way: str, examples: int) -> dict[str, float]:
    """Tokens a second, seconds a step and peak MiB of one way."""
    import peft as library  # both processes have all libraries in memory before the model
    import torch

    from autopelt.training.spec import Setup

    assert library
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as files:
        setup = Setup(folder, data(Path(files), part, examples), max_length=512)
        loop = peft if way.startswith("peft") else ours
        seconds, tokens, before = loop(setup, way, 1 if part == "mixed" else 2)
    return {
        "tokens/s": tokens / min(seconds),
        "s/step": min(seconds) / -(-examples // BATCH),
        "MiB": (peak() - before) / MIB,
    }


def main() -> None:
    """Every way in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="Folder of a pretrained decoder.")
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--examples", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(*given.one, given.examples)))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = given.model or made
        if not given.model:
            make(Path(made), given.width, given.layers)
        for part in [given.part] if given.part else PARTS:
            found: dict[str, list[dict[str, float]]] = {way: [] for way in PARTS[part]}
            for _ in range(given.rounds):
                for way in PARTS[part]:
                    command = [sys.executable, __file__, "--examples", str(given.examples)]
                    command += ["--one", folder, part, way]
                    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                    found[way].append(json.loads(done.stdout.splitlines()[-1]))
            middle = {
                way: {key: median(row[key] for row in rows) for key in rows[0]}
                for way, rows in found.items()
            }
            for way, figures in middle.items():
                told = {key: round(value, 2) for key, value in figures.items()}
                told |= {
                    f"{key} of peft": round(value / middle["peft"][key], 3)
                    for key, value in figures.items()
                    if way != "peft"
                }
                print(json.dumps({"part": part, "way": way} | told), flush=True)


if __name__ == "__main__":
    main()
