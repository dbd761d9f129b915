"""Checkpoints without a pooler: classifiers read the first token, and say so wherever it counts."""

import shutil
from pathlib import Path

import pytest
import torch
from families import config_of
from transformers import AlbertForMaskedLM, BertForMaskedLM, BertModel

from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.head import head_of
from autopelt.backbones.load import load_model
from autopelt.backbones.pooler import NOTE, reads_first_token
from autopelt.backbones.shapes import shapes_of_model
from autopelt.backbones.source import resolve
from autopelt.data.readers import Table
from autopelt.errors import UsageError
from autopelt.export import export, find_trained
from autopelt.study.config import TrainingConfig
from autopelt.training.context import Context
from autopelt.training.final import evaluate_model, train_model
from autopelt.training.spec import Setup
from autopelt.workflows.predict import predict

PAIR = Table({"text": ["the cat is not in"], "text_pair": ["no cat is in"]}, "texts", [1])


@pytest.fixture(scope="module")
def masked(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a masked language model wrote of the tiny BERT."""
    folder = tmp_path_factory.mktemp("masked") / "model"
    shutil.copytree(tiny_bert, folder)
    BertForMaskedLM.from_pretrained(tiny_bert).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def trained(masked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "model"
    shapes = shapes_of_model(BertModel.from_pretrained(masked))
    architecture = seed_architecture("lora-r1", shapes)
    setup = Setup(str(masked), "demo", train_examples=32)
    train_model(setup, architecture, TrainingConfig(epochs=1), 0, folder, lambda _: None)
    return folder


def test_the_head_reads_the_last_state_of_the_first_token(masked: Path) -> None:
    model = load_model(resolve(str(masked)), "sequence_classification", 2, random_seed=0)
    assert reads_first_token(model)
    assert sorted(head_of(model)) == ["classifier.bias", "classifier.weight"]
    plain = BertModel.from_pretrained(masked, add_pooling_layer=False).eval()
    ids, mask = torch.tensor([[5, 6, 7], [8, 9, 0]]), torch.tensor([[1, 1, 1], [1, 1, 0]])
    with torch.no_grad():
        states = plain(ids, attention_mask=mask).last_hidden_state
        expected = model.classifier(states[:, 0])  # type: ignore[operator]
        torch.testing.assert_close(model(ids, attention_mask=mask).logits, expected)


def test_albert_hands_its_pooler_the_first_token(tmp_path: Path) -> None:
    torch.manual_seed(0)
    masked = AlbertForMaskedLM(config_of("albert"))
    masked.save_pretrained(tmp_path)
    model = load_model(resolve(str(tmp_path)), "sequence_classification", 2, random_seed=0)
    assert reads_first_token(model)
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        states = masked.eval().albert(ids).last_hidden_state
        expected = model.classifier(states[:, 0].tanh())  # type: ignore[operator]
        torch.testing.assert_close(model(ids).logits, expected)


def test_a_checkpoint_with_a_pooler_keeps_it(tiny_bert: Path) -> None:
    assert not reads_first_token(load_model(resolve(str(tiny_bert)), "none", 0, 0))
    model = load_model(resolve(str(tiny_bert)), "sequence_classification", 2, 0)
    assert not reads_first_token(model)


def test_a_backbone_without_a_pooler_makes_embeddings(masked: Path) -> None:
    model = load_model(resolve(str(masked)), "none", 0, 0)
    assert model.pooler is None
    assert head_of(model) == {}


def test_trained_evaluated_and_predicted_alike(trained: Path, masked: Path) -> None:
    assert NOTE in Context(Setup(str(masked), "demo", train_examples=32)).notes
    found = evaluate_model(trained)
    assert found["report"] == found["stored"]
    (row,) = predict(find_trained(trained), PAIR)
    assert 0 <= row["probability"] <= 1


def test_exported_whole_or_not_at_all(trained: Path, tmp_path: Path) -> None:
    kept = export(trained, "autopelt", tmp_path / "own")
    assert predict(find_trained(kept), PAIR) == predict(find_trained(trained), PAIR)
    for to in ("merged", "peft", "adapters"):
        with pytest.raises(UsageError, match=f"cannot export to {to}: the backbone has no pooler"):
            export(trained, to, tmp_path / to)
        assert not (tmp_path / to).exists()
