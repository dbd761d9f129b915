"""What `autopelt train` leaves of a tiny random decoder, written by hand in a moment."""

import json
from pathlib import Path

import torch
from tiny_models import byte_level
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.load import load_model
from autopelt.backbones.source import resolve
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach
from autopelt.modules.checkpoint import save
from autopelt.study.config import RECORD, TrainingConfig
from autopelt.system.files import write_text
from autopelt.tasks import task_from_files
from autopelt.training.final import ModelRecord
from autopelt.training.spec import Setup

LAYERS = 2

LORA = Architecture(
    tuple(
        Module("lora", place, layer, 4)
        for layer in range(LAYERS)
        for place in ("attention.query", "attention.value")
    )
)


def decoder(folder: Path, template: str | None = None) -> PreTrainedTokenizerFast:
    """A tiny Llama and its tokenizer, without dropout."""
    tokenizer = byte_level(begin=False)
    if template is not None:
        tokenizer.add_special_tokens(
            {"additional_special_tokens": ["<|im_start|>", "<|im_end|>"], "eos_token": "<|im_end|>"}
        )
    tokenizer.chat_template = template
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=256,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return tokenizer


def trained_on_pairs(folder: Path, architecture: Architecture = LORA, **training: object) -> Path:
    """A folder of `autopelt train`, of 40 texts and what is to be written for them."""
    decoder(folder / "model")
    rows = [{"source": f"the cat {n} sat", "target": f"the mat {n}"} for n in range(40)]
    data = folder / "pairs.jsonl"
    write_text(data, "".join(f"{json.dumps(row)}\n" for row in rows))
    task = task_from_files(str(data), kind="generation", score="loss", max_length=32)
    return trained(folder, architecture, task.spec, "generation", **training)


CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

TAGGED = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% if m.role == 'assistant' %}"
    "{% generation %}{{ m.content + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}{% else %}"
    "{{ m.content + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def chats(turns: int = 2) -> list[dict[str, list[dict[str, str]]]]:
    """Conversations of so many turns; every third has a system turn in front."""
    rows = []
    for n in range(40):
        said = [f"where is the cat {n} ?", f"on the mat {n}", "why ?", f"it rained {n} times"]
        roles = ("user", "assistant", "user", "assistant")
        pairs = list(zip(roles, said, strict=True))[:turns]
        pairs = pairs if n % 3 else [("system", "the dog knows it"), *pairs]
        rows.append({"messages": [{"role": role, "content": text} for role, text in pairs]})
    return rows


def trained_on_chats(
    folder: Path, template: str | None, rows: list[dict[str, list[dict[str, str]]]], **named: str
) -> Path:
    """A folder of `autopelt train`, of conversations."""
    decoder(folder / "model", template)
    data = folder / "chats.jsonl"
    write_text(data, "".join(f"{json.dumps(row)}\n" for row in rows))
    task = task_from_files(str(data), kind="chat", score="loss", max_length=128, **named)
    return trained(folder, LORA, task.spec, "chat")


def trained(
    folder: Path, architecture: Architecture, task: str, kind: str, **training: object
) -> Path:
    """The folder, with weights away from their start."""
    model = load_model(resolve(str(folder / "model")), "causal_lm", 0, random_seed=0)
    attach(model, architecture, random_seed=0)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.autopelt.parameters():
            parameter += torch.empty(parameter.shape).normal_(0, 0.2, generator=generator)
    out = folder / "trained"
    save(model, out)
    record = ModelRecord(
        report={},
        labels=(),
        head="causal_lm",
        kind=kind,
        setup=Setup(str(folder / "model"), task),
        training=TrainingConfig(**{"epochs": 1, "batch_size": 8} | training),
        random_seed=7,
    )
    write_text(out / RECORD, json.dumps(record.to_dict()))
    return out
