"""Prompts and targets as tokens: prompts are cut in the middle, targets at their end."""

from datasets import Dataset
from tiny_models import tiny

from autopelt.tasks.generation import Generation
from autopelt.tasks.padding import IGNORED

NOWHERE = None  # these tasks are never loaded


def _pairs(source, target):
    return Dataset.from_dict({"source": [source], "target": [target]})


def test_a_decoder_learns_the_target_alone_and_keeps_it_when_cut():
    task, _, tokenizer = tiny("gpt2", Generation("g", "", NOWHERE, scores=("loss",)))
    row = task.encode(_pairs("the cat", "a dog"), tokenizer, 64)[0]
    target = [t for t in row["labels"] if t != IGNORED]
    assert tokenizer.decode(target) == "a dog</s>"
    assert row["input_ids"][-len(target) :] == target
    long = task.encode(_pairs("the cat " * 50, "a dog"), tokenizer, 24)
    assert long[0]["length"] == 24
    assert [t for t in long[0]["labels"] if t != IGNORED] == target
    assert "1 of 1 texts are longer than 24 tokens" in task.notes(long)[0]
    prompt = long[0]["input_ids"][: -len(target)]
    whole = task.encode(_pairs("the cat " * 50, "a dog"), tokenizer, 999)[0]["input_ids"]
    half = (len(prompt) - 1) // 2  # the separator stands behind
    assert prompt[:half] == whole[:half]
    assert prompt[half:] == whole[: -len(target)][half - len(prompt) :]
    short = task.encode(_pairs("a", "the dog " * 50), tokenizer, 24)[0]
    assert short["length"] == 24  # a target takes what a short source leaves
    both = task.encode(_pairs("the cat " * 50, "a dog " * 50), tokenizer, 24)[0]
    assert sum(t != IGNORED for t in both["labels"]) == 12
    assert both["labels"][-1] == tokenizer.eos_token_id


def test_an_encoder_decoder_gets_prefix_and_end_token():
    task, _, tokenizer = tiny("t5", Generation("g", "", NOWHERE, prefix="the : "))
    row = task.encode(_pairs("cat", "the dog " * 60), tokenizer, 32)[0]
    assert tokenizer.decode(row["input_ids"], skip_special_tokens=True).startswith("the")
    assert len(row["labels"]) == 32
    assert row["labels"][-1] == tokenizer.eos_token_id
    assert "token_type_ids" not in row
