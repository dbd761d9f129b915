"""Wrong files of a model: its configuration, its tokenizer, its weights."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from refusals import ask, faults

CONFIG: dict[str, tuple[Any, str]] = {
    "empty": ({}, "model_type"),
    "list": ([], "spoiled"),
    "text": ("bert", "spoiled"),
    "cut": ('{"model_type": "be', "not a valid JSON"),
    "deep": ("[" * 100_000, "spoiled"),
    "no-type": ({"model_type": ...}, "model_type"),
    "unknown-type": ({"model_type": "nothing"}, "nothing"),
    "type-number": ({"model_type": 3}, "spoiled"),
    "width-zero": ({"hidden_size": 0}, "bert"),
    "width-minus": ({"hidden_size": -16}, "bert"),
    "width-text": ({"hidden_size": "big"}, "hidden_size"),
    "heads-zero": ({"num_attention_heads": 0}, "bert"),
    "heads-odd": ({"num_attention_heads": 3}, "attention heads (3)"),
    "layers-none": ({"num_hidden_layers": None}, "num_hidden_layers"),
    "layers-zero": ({"num_hidden_layers": 0}, "layers"),
    "layers-minus": ({"num_hidden_layers": -2}, "layers"),
    "layers-text": ({"num_hidden_layers": "two"}, "num_hidden_layers"),
    "layers-many": ({"num_hidden_layers": 10**9}, "1,000,000,000 layers"),
    "words-minus": ({"vocab_size": -5}, "bert"),
    "words-list": ({"vocab_size": []}, "vocab_size"),
    "act": ({"hidden_act": "magic"}, "magic"),
    "act-list": ({"hidden_act": ["gelu"]}, "hidden_act"),
    "dtype": ({"dtype": [[["float32"]]]}, "spoiled"),
    "labels": ({"id2label": 3}, "spoiled"),
    "quantised": ({"quantization_config": {"quant_method": "magic"}}, "spoiled"),
}  # fmt: skip
"""What config.json holds, or what is changed in it, and what is named."""

TOKENIZER: dict[str, tuple[str, Any]] = {
    "empty": ("tokenizer.json", {}),
    "list": ("tokenizer.json", []),
    "cut": ("tokenizer.json", '{"version": "1.0", "truncat'),
    "model": ("tokenizer.json", {"model": {"type": "Magic"}}),
    "words-list": ("tokenizer.json", {"model": {"type": "WordPiece", "vocab": {"a": [1]}}}),
    "after": ("tokenizer.json", {"post_processor": {"type": "Magic"}}),
    "settings-list": ("tokenizer_config.json", []),
    "settings-cut": ("tokenizer_config.json", '{"pad_token": "[P'),
    "accents": ("tokenizer_config.json", {"strip_accents": "maybe"}),
    "unknown": ("tokenizer_config.json", {"unk_token": {"a": 1}}),
    "padding": ("tokenizer_config.json", {"pad_token": 3}),
    "class": ("tokenizer_config.json", {"tokenizer_class": ["x"]}),
    "longest": ("tokenizer_config.json", {"model_max_length": "long"}),
}

WEIGHTS: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda whole: b"",
    "cut": lambda whole: whole[:-100],
    "head-cut": lambda whole: whole[:20],
    "head-huge": lambda whole: b"\xff" * 8 + whole[8:],
    "head-flipped": lambda whole: whole[:9] + b"}" + whole[10:],
    "text": lambda whole: b"weights\n" * 100,
    "pickle": lambda whole: b"\x80\x04cos\nsystem\n.",
    "longer": lambda whole: whole + b"more",
}


@pytest.fixture
def spoiled(place: Path, tiny_bert: Path) -> Path:
    return shutil.copytree(tiny_bert, place / "spoiled")


def refused(named: str) -> None:
    words = "search --task demo --model spoiled --space tiny --budget 4% --dry-run"
    answer = ask(words.split())
    assert faults(answer, [named]) == [], answer


def change(path: Path, content: Any) -> None:
    """Write a text, or JSON; of an object, only what it changes, and `...` is left out."""
    if isinstance(content, dict) and content:
        whole = json.loads(path.read_text()) | content
        content = {key: value for key, value in whole.items() if value is not ...}
    path.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.mark.parametrize("name", CONFIG)
def test_a_wrong_configuration(name: str, spoiled: Path) -> None:
    content, named = CONFIG[name]
    change(spoiled / "config.json", content)
    refused(named)


@pytest.mark.parametrize("name", TOKENIZER)
def test_a_wrong_tokenizer(name: str, spoiled: Path) -> None:
    file, content = TOKENIZER[name]
    change(spoiled / file, content)
    refused("spoiled")


@pytest.mark.parametrize("name", WEIGHTS)
def test_wrong_weights(name: str, spoiled: Path) -> None:
    path = spoiled / "model.safetensors"
    path.write_bytes(WEIGHTS[name](path.read_bytes()))
    refused("spoiled/model.safetensors")
