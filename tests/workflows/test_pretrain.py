"""Going on with pretraining: the loss falls, the folder is a model, bad input is one line."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import T5Config, T5Model

from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.language_model import blocks_of
from autopelt.backbones.load import load_model
from autopelt.backbones.shapes import shapes_of_model
from autopelt.backbones.source import resolve
from autopelt.cli.main import main
from autopelt.study.config import TrainingConfig
from autopelt.training.final import train_model
from autopelt.training.spec import Setup
from autopelt.workflows.pretrain import RECORD, Pretraining, pretrain, texts_of_task

HOW = Pretraining(epochs=2, batch_size=16, max_length=32, learning_rate=1e-2)


@pytest.fixture(scope="module")
def made(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("models") / "tapt"
    texts, origin = texts_of_task(Setup(str(tiny_bert), "demo", train_examples=200))
    said: list[str] = []
    return out, pretrain(str(tiny_bert), texts, origin, HOW, out, said.append)


def test_the_loss_on_held_out_text_falls(made: tuple[Path, dict]) -> None:
    _, record = made
    assert record["objective"] == "masked"
    assert record["fresh_head"]
    assert record["losses"][-1]["held_out"] < record["losses"][0]["held_out"] - 0.1
    assert record["origin"][0]["task"] == "demo"


def test_the_folder_is_a_model_whose_backbone_has_changed(
    made: tuple[Path, dict], tiny_bert: Path, tmp_path: Path
) -> None:
    out, _ = made
    before = load_model(resolve(str(tiny_bert)), "sequence_classification", 2, 0)
    after = load_model(resolve(str(out)), "sequence_classification", 2, 0)
    name = "bert.encoder.layer.1.output.dense.weight"
    states = before.state_dict(), after.state_dict()
    assert not torch.equal(states[0][name], states[1][name])
    pooler = "bert.pooler.dense.weight"  # pretraining does not know it; a classifier needs it
    assert torch.equal(states[0][pooler], states[1][pooler])
    shapes = shapes_of_model(after)
    setup = Setup(str(out), "demo", train_examples=32)
    record = train_model(
        setup,
        seed_architecture("lora-r1", shapes),
        TrainingConfig(epochs=1),
        0,
        tmp_path / "trained",
        lambda _: None,
    )
    assert 0 <= record.report["accuracy"] <= 1


def test_a_second_pretraining_goes_on_with_the_first(
    made: tuple[Path, dict], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = made
    text = tmp_path / "text.txt"
    text.write_text("the a of in is was\n" * 30)
    again = tmp_path / "again"
    flags = ["--epochs", "1", "--max-length", "16", "--text", str(text)]
    assert main(["pretrain", "--model", str(out), "--out", str(again), *flags]) == 0
    assert "no language-model head" not in capsys.readouterr().out
    record = json.loads((again / RECORD).read_text())
    assert not record["fresh_head"]
    assert record["before"]["objective"] == "masked"
    assert set(load_file(out / "model.safetensors")) == set(load_file(again / "model.safetensors"))
    assert main(["pretrain", "--model", str(out), "--out", str(again), *flags]) == 2
    assert "not an empty folder" in capsys.readouterr().err


def test_long_texts_become_several_blocks(tiny_bert: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    made = blocks_of(["the a of in " * 20, "is"], tokenizer, 16)
    assert max(map(len, made)) <= 16
    assert sum(len(b) - 2 for b in made) == 81
    assert all(b[0] == tokenizer.cls_token_id for b in made)


@pytest.mark.parametrize(
    ("content", "flags", "words"),
    [
        ("", [], "is empty"),
        (" \n\n", [], "is empty"),
        (None, [], "cannot be read"),
        ("a b", ["--epochs", "0"], "--epochs 0"),
        ("a b", ["--learning-rate", "2"], "--learning-rate 2"),
    ],
)
def test_bad_input_is_one_line(
    content: str | None,
    flags: list[str],
    words: str,
    tiny_bert: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = tmp_path / "text.txt"
    if content is not None:
        text.write_text(content)
    out = tmp_path / "out"
    command = ["pretrain", "--text", str(text), "--model", str(tiny_bert), "--out", str(out)]
    assert main([*command, *flags]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_nothing_to_train_on_and_an_encoder_decoder_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pretrain", "--out", str(tmp_path / "out")]) == 2
    assert "nothing to train on" in capsys.readouterr().err
    tiny = T5Config(vocab_size=8, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5Model(tiny).save_pretrained(tmp_path / "t5")
    (tmp_path / "text.txt").write_text("a text\n")
    flags = ["--text", str(tmp_path / "text.txt"), "--model", str(tmp_path / "t5")]
    assert main(["pretrain", *flags, "--out", str(tmp_path / "out")]) == 2
    assert "is an encoder-decoder" in capsys.readouterr().err
