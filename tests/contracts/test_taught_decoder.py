"""A search on a decoder that can do something: what it finds writes right answers.

The decoder was trained to copy, reverse and sort letters; it is fine-tuned to sort them downwards,
of which it knows nothing: less than 5 in 100 answers are right before.
"""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from small_search import Quiet
from taught_decoder import TAUGHT, conversation
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

import autopelt
from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.shapes import shapes_of_model
from autopelt.cli.main import main
from autopelt.export import find_trained, load_trained

pytestmark = pytest.mark.slow

NEW = "down"

SPACE = """\
name: ranks
modules:
  - method: lora
    location: [attention.query, attention.key, attention.value, attention.output, ffn.gate, ffn.out]
    sizes: [0, 1, 2, 4, 8]
learning_rate_multiplier: {from: 1, to: 32}
"""
"""Rates go up as far as this decoder, 64 wide, can have use of."""


def right(model: Any, folder: Path, word: str = NEW) -> float:
    """Share of 200 conversations, none of a search, that the model answers exactly."""
    words = AutoTokenizer.from_pretrained(folder, padding_side="left")
    rng = random.Random(3)
    rows = [conversation(word, rng) for _ in range(200)]
    prompts = words.apply_chat_template(
        [row[:1] for row in rows], add_generation_prompt=True, padding=True, return_tensors="pt"
    )
    asked = {key: prompts[key] for key in ("input_ids", "attention_mask")}
    with torch.no_grad():
        made = model.generate(**asked, max_new_tokens=10, do_sample=False)
    texts = words.batch_decode(made[:, asked["input_ids"].shape[1] :], skip_special_tokens=True)
    return sum(text == row[1]["content"] for text, row in zip(texts, rows)) / len(rows)


def test_it_can_what_it_was_taught_and_nothing_else(taught_decoder: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(taught_decoder)
    assert min(right(model, taught_decoder, word) for word in TAUGHT) > 0.9
    assert right(model, taught_decoder) < 0.05


@pytest.fixture(scope="module")
def lora_r8(taught_decoder: Path) -> Architecture:
    return seed_architecture("lora-r8", shapes_of_model(load(taught_decoder)))


def load(folder: Path) -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(folder)


def deployed(architecture: Architecture, folder: Path) -> int:
    return ShapeCounter(shapes_of_model(load(folder))).count(architecture).deployed


@pytest.fixture(scope="module")
def study(
    taught_decoder: Path, lora_r8: Architecture, tmp_path_factory: pytest.TempPathFactory
) -> autopelt.Study:
    """Twelve trials within half of the parameters of LoRA r8."""
    folder = tmp_path_factory.mktemp("down")
    (folder / "ranks.yaml").write_text(SPACE)
    for name, seed, count in (("train", 1, 256), ("validation", 2, 64)):
        rng = random.Random(seed)
        lines = [json.dumps({"messages": conversation(NEW, rng)}) + "\n" for _ in range(count)]
        (folder / f"{name}.jsonl").write_text("".join(lines))
    return autopelt.search(
        train=str(folder / "train.jsonl"),
        validation=str(folder / "validation.jsonl"),
        model=str(taught_decoder),
        space=str(folder / "ranks.yaml"),
        budget=str(deployed(lora_r8, taught_decoder) // 2),
        trials=12,
        epochs=4,
        batch_size=8,
        workers=1,
        out=folder / "study",
        view=Quiet(),
    )


def trained(study: autopelt.Study, architecture: Architecture, folder: Path) -> Any:
    """The model, trained as a trial of the study is."""
    autopelt.train(study, architecture, out=folder)
    return load_trained(find_trained(folder))[0]


def test_a_search_answers_better_than_lora_r8_at_half_of_its_parameters(
    study: autopelt.Study, lora_r8: Architecture, taught_decoder: Path, tmp_path: Path
) -> None:
    """Above LoRA r8 at its own rate by far; with the best rate for it, r8 is about as good."""
    found = study.trial().architecture
    assert 2 * deployed(found, taught_decoder) <= deployed(lora_r8, taught_decoder)
    score = right(study.load(), taught_decoder)
    by_hand = right(trained(study, lora_r8, tmp_path / "r8"), taught_decoder)
    faster = replace(lora_r8, learning_rate_multiplier=16.0)
    at_best_rate = right(trained(study, faster, tmp_path / "r8-x16"), taught_decoder)
    assert score > by_hand + 0.2
    assert score > at_best_rate - 0.1


def test_it_is_shown_without_a_task_head_as_it_has_none(
    study: autopelt.Study, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", str(study.folder)]) == 0
    said = capsys.readouterr().out
    assert "expected" in said
    assert "task head" not in said
