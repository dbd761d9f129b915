"""What every trial would meet is found before anything starts, and its line names what it is."""

import copy
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_search import plan
from tiny_models import CONFIGS, TOKENIZERS
from transformers import AutoModelForCausalLM, BertConfig, BertModel, CamembertConfig
from transformers import CamembertModel as Camembert

from autopelt.errors import AutopeltError, UnavailableError, UsageError
from autopelt.methods import METHODS, own_file
from autopelt.modules import PELTS
from autopelt.training import rehearsal

GUIDE = (Path(__file__).parents[2] / "docs" / "adding-a-method.md").read_text(encoding="utf-8")
CODE = "\n".join(re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL))
(SPACE,) = re.findall(r"```yaml\n(# my-space.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def folder(tiny_bert: Path, tmp_path: Path) -> Path:
    """A copy of the tiny BERT, to be spoilt."""
    return Path(shutil.copytree(tiny_bert, tmp_path / "model"))


def remade(folder: Path, **changed: Any) -> None:
    """Other weights for the same tokenizer."""
    values = json.loads((folder / "config.json").read_text("utf-8"))
    BertModel(BertConfig(**values | changed)).save_pretrained(folder)


def spoil_vocabulary(folder: Path) -> None:
    remade(folder, vocab_size=30)


def spoil_segments(folder: Path) -> None:
    remade(folder, type_vocab_size=1)  # the second text of a pair is segment 1


def spoil_a_weight(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    weights["encoder.layer.1.output.dense.weight"][3, 4] = torch.nan
    save_file(weights, path, metadata={"format": "pt"})


def spoil_positions(folder: Path) -> None:
    """Camembert's begin behind the padding token's, so that the table ends before its limit."""
    values = json.loads((folder / "config.json").read_text("utf-8"))
    kept = {k: values[k] for k in ("vocab_size", "hidden_size", "intermediate_size")}
    config = CamembertConfig(
        **kept,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=46,
        pad_token_id=0,
        type_vocab_size=2,
    )
    Camembert(config).save_pretrained(folder)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_vocabulary, r"writes token \d+, but the model has 30 of them; put the model's own"),
        (spoil_segments, "does not train on task 'demo'.*IndexError: .*is its tokenizer the model"),
        (
            spoil_a_weight,
            r"not finite \('bert.encoder.layer.1.output.dense.weight' first",
        ),
        (spoil_positions, r"not train on a text of 46 tokens, only on one of \d+ .*max_length"),
    ],
)
def test_a_model_that_cannot_train_on_the_data(
    spoil: Callable[[Path], None], said: str, folder: Path
) -> None:
    spoil(folder)
    with pytest.raises(UnavailableError, match=said) as caught:
        plan(folder)
    assert "\n" not in str(caught.value)


@pytest.fixture
def own_methods(tmp_path: Path) -> Iterator[Callable[[str, str], dict[str, str]]]:
    """Writes the guide's method with a line of it replaced; gives a study's options."""

    def write(line: str, instead: str) -> dict[str, str]:
        assert line in CODE
        (tmp_path / "my_methods.py").write_text(CODE.replace(line, instead), encoding="utf-8")
        (tmp_path / "my-space.yaml").write_text(SPACE, encoding="utf-8")
        return {"own_methods": f"{tmp_path}/my_methods.py", "space": f"{tmp_path}/my-space.yaml"}

    yield write
    own_file._done.clear()
    METHODS.pop("low_rank_adapter", None)
    PELTS.pop("low_rank_adapter", None)


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ("rank, width = build", "raise KeyError(3)\n        rank, width = build", "KeyError: 3"),
        ("return output + (", "return output / 0 + (", "the loss of the first step is nan"),
        ("return output + (", "return output[:, 1:] + (", "Error: "),
    ],
)
def test_a_method_that_cannot_be_attached_or_computes_nonsense(
    line: str, instead: str, said: str, own_methods: Any, tiny_bert: Path
) -> None:
    with pytest.raises(UsageError, match=f"'low_rank_adapter' does not work on.*{said}"):
        plan(tiny_bert, **own_methods(line, instead))


def test_a_score_of_the_users_own_meets_an_empty_answer(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "def first(found, gold):\n    return sum(a[0] == b[0] for a, b in zip(found, gold))\n"
    )
    rows = "".join(f"say {n},word {n}\n" for n in range(60))
    (tmp_path / "train.csv").write_text("source,target\n" + rows)
    tokenizer, config = TOKENIZERS["gpt2"](), CONFIGS["gpt2"]()
    config.vocab_size = len(tokenizer)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "gpt2")
    tokenizer.save_pretrained(tmp_path / "gpt2")
    how = {"task": None, "train": str(tmp_path / "train.csv"), "kind": "generation"}
    with pytest.raises(UsageError, match=r"mine\.py.*IndexError"):
        plan(tmp_path / "gpt2", **how, score=f"{tmp_path}/mine.py:first")


def test_what_works_is_left_alone(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_rng_state()
    assert plan(tiny_bert, space="pelt", budget="20%").seeds
    assert torch.equal(torch.get_rng_state(), before)
    # Methods that fail only all at once are no trial's fault.
    step = rehearsal._step

    def fails_at_once(context: Any, architecture: Any, *how: Any) -> None:
        if len({m.method for m in architecture.modules}) > 1:
            raise RuntimeError("too much at once")
        step(context, architecture, *how)

    monkeypatch.setattr(rehearsal, "_step", fails_at_once)
    assert plan(tiny_bert, space="pelt", budget="20%").seeds


def test_large_models_are_not_loaded_once_more(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil_a_weight(folder)
    monkeypatch.setattr(rehearsal, "LARGEST", 1000)
    assert plan(folder).seeds


def test_out_of_memory_is_said(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*how: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(rehearsal, "_step", full)
    with pytest.raises(AutopeltError, match="out of memory; a smaller max_length"):
        plan(copy.copy(tiny_bert))
