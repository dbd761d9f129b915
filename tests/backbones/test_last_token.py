"""Classification by a decoder: the last real token speaks, whatever pads and wherever."""

import json
from pathlib import Path

import pytest
import torch
from tiny_models import byte_level
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)
from zoo import CONFIGS

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.last_token import last_real
from autopelt.backbones.load import load_model, load_tokenizer
from autopelt.backbones.source import resolve
from autopelt.export import export, find_trained
from autopelt.export.trained import load_trained
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach, detach
from autopelt.modules.checkpoint import save
from autopelt.tasks import task_from_files
from autopelt.tasks.base import Task
from autopelt.tasks.padding import tokenized

TEXTS = [
    "the cat sat on the mat and the dog did not see it",
    "a man is playing</s>",
    "what was the cause of this ?",
    "it",
    "the game was lost again </s></s>",
]
"""Of several lengths; two of them end with the end token."""

PADDING = {"its own": "<pad>", "none": None, "the end token": "</s>"}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Of each family a folder with a model whose configuration names an end token alone."""
    folders = {}
    for family in ("llama", "gpt2", "qwen2"):
        folder = tmp_path_factory.mktemp(family)
        torch.manual_seed(0)
        values = CONFIGS[family] | {
            "vocab_size": 410,
            "pad_token_id": None,
            "initializer_range": 0.5,
        }
        config = AutoConfig.for_model(family, eos_token_id=2, bos_token_id=2, **values)
        AutoModel.from_config(config).save_pretrained(folder)
        folders[family] = folder
    return folders


def with_tokenizer(folder: Path, pad: str | None, side: str) -> Path:
    tokenizer = byte_level(begin=False)
    tokenizer.pad_token = pad
    tokenizer.save_pretrained(folder)
    file = folder / "tokenizer_config.json"  # the side of a running tokeniser is not written
    file.write_text(json.dumps(json.loads(file.read_text()) | {"padding_side": side}))
    assert AutoTokenizer.from_pretrained(folder).padding_side == side
    return folder


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Task]:
    folder = tmp_path_factory.mktemp("data")
    for name, labels in (("classification", "abcde"), ("regression", ["0.5", "1.5", "2.5"] * 2)):
        rows = "\n".join(f"{text},{label}" for text, label in zip(TEXTS, labels, strict=False))
        (folder / f"{name}.csv").write_text(f"text,label\n{rows}\n")
    return {name: task_from_files(str(folder / f"{name}.csv"), kind=name) for name in KINDS}


KINDS = {"classification": 5, "regression": 1}


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("padding", PADDING)
@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen2"])
def test_a_padded_text_has_the_outputs_of_the_last_token_alone(
    models: dict[str, Path], tasks: dict[str, Task], family: str, padding: str, side: str
) -> None:
    source = resolve(str(with_tokenizer(models[family], PADDING[padding], side)))
    tokenizer = load_tokenizer(source)
    for kind, outputs in KINDS.items():
        model = load_model(source, "sequence_classification", outputs, random_seed=0)
        rows = [
            {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": label}
            for label, ids in enumerate(tokenized(tokenizer, TEXTS, max_length=60)["input_ids"])
        ]
        assert rows[1]["input_ids"][-1] == tokenizer.eos_token_id
        batch = tasks[kind].collate(rows, tokenizer)
        for prompt in ((), (Module("prompt", "embeddings", None, 3),)):
            attach(model, Architecture(prompt), random_seed=0)
            with torch.no_grad():
                found = model(**tasks[kind].inputs(batch))
                # Without a mask the class in transformers decides, and looks at the last place.
                model.config.pad_token_id, pad = None, model.config.pad_token_id
                alone = [model(torch.tensor([row["input_ids"]])).logits for row in rows]
                model.config.pad_token_id = pad
            detach(model)
            torch.testing.assert_close(found.logits, torch.cat(alone), atol=1e-5, rtol=1e-5)
            assert found.logits.std() > 1e-3


def test_the_loss_is_that_of_the_outputs_and_gradients_flow(models: dict[str, Path]) -> None:
    source = resolve(str(with_tokenizer(models["gpt2"], None, "left")))
    model = load_model(source, "sequence_classification", 3, random_seed=0)
    ids, mask = torch.tensor([[5, 6, 7], [8, 2, 2]]), torch.tensor([[1, 1, 1], [1, 1, 0]])
    labels = torch.tensor([0, 2])
    attach(model, Architecture((Module("lora", "attention.query", 1, 2),)), random_seed=0)
    out = model(ids, attention_mask=mask, labels=labels)
    torch.testing.assert_close(out.loss, torch.nn.functional.cross_entropy(out.logits, labels))
    out.loss.backward()
    assert model.score.weight.grad.abs().sum() > 0  # type: ignore[operator, union-attr]


def test_the_backbone_itself_and_an_encoder_are_as_they_were(
    models: dict[str, Path], tiny_bert: Path
) -> None:
    source = resolve(str(with_tokenizer(models["llama"], None, "right")))
    model = load_model(source, "sequence_classification", 3, random_seed=0)
    ids, mask = torch.tensor([[5, 6, 7]]), torch.ones(1, 3, dtype=torch.long)
    with torch.no_grad():
        model(ids, attention_mask=mask)
        states = model.base_model(ids, attention_mask=mask).last_hidden_state
        plain = AutoModel.from_pretrained(source.path_or_name).eval()
        torch.testing.assert_close(states, plain(ids, attention_mask=mask).last_hidden_state)
    bert = load_model(resolve(str(tiny_bert)), "sequence_classification", 2, random_seed=0)
    assert not bert._forward_hooks


def test_the_last_real_token_of_any_mask() -> None:
    masks = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1], [0, 1, 0, 0]])
    assert last_real(masks).tolist() == [1, 3, 3, 1]


def test_plain_transformers_reads_the_same_of_what_is_exported(
    models: dict[str, Path], tmp_path: Path
) -> None:
    base = with_tokenizer(models["gpt2"], "<pad>", "left")
    model = load_model(resolve(str(base)), "sequence_classification", 3, random_seed=0)
    attach(model, Architecture((Module("lora", "attention.query", 1, 2),)), random_seed=0)
    save(model, tmp_path)
    about = {"format": "autopelt 1", "model": str(base), "head": "sequence_classification"}
    about |= {"task": "demo", "labels": ["a", "b", "c"]}
    (tmp_path / "autopelt.json").write_text(json.dumps(about))
    out = export(tmp_path, "merged", tmp_path / "merged")
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert tokenizer.padding_side == "left"  # as it was published
    tokenizer.padding_side = "right"  # GPT-2 has learned positions
    own, _ = load_trained(find_trained(tmp_path))
    plain = AutoModelForSequenceClassification.from_pretrained(out).eval()
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt", return_token_type_ids=False)
    with torch.no_grad():
        torch.testing.assert_close(plain(**batch).logits, own(**batch).logits)
