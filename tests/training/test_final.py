"""A trained folder scores the same when loaded again, and says what is wrong when it cannot."""

import json
from pathlib import Path

import pytest
from tiny_context import tiny_context

from autopelt.architecture.architecture import Architecture
from autopelt.errors import UnavailableError
from autopelt.methods.module import Module
from autopelt.study.config import TrainingConfig
from autopelt.training.final import evaluate_model, train_model
from autopelt.training.spec import Setup


@pytest.fixture(scope="module")
def trained(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("trained")
    setup = Setup(str(tiny_bert), "demo", train_examples=64)
    architecture = Architecture(
        (Module("prefix", "attention", 0, 2, mlp=4), Module("sequential_adapter", "ffn", 1, 4))
    )
    record = train_model(setup, architecture, TrainingConfig(epochs=2), 3, folder, lambda _: None)
    return folder, record.to_dict()


def test_evaluate_gives_the_stored_score(trained: tuple[Path, dict]) -> None:
    folder, record = trained
    assert evaluate_model(folder)["report"] == record["report"]


def test_what_was_chosen_on_the_selection_split_holds_when_it_is_evaluated(tmp_path: Path) -> None:
    setup = tiny_context("squad2", "bert", tmp_path).setup
    architecture = Architecture((Module("lora", "attention.query", 0, 2),))
    folder = tmp_path / "trained"
    record = train_model(setup, architecture, TrainingConfig(epochs=1), 0, folder, lambda _: None)
    assert evaluate_model(folder)["report"] == record.report
    stored = record.to_dict()
    stored["selection"]["best_f1_thresh"] = -1  # now nothing has an answer
    (folder / "training.json").write_text(json.dumps(stored))
    report = evaluate_model(folder)["report"]
    assert (report["has_answer_f1"], report["no_answer_f1"]) == (0.0, 1.0)


def test_files(trained: tuple[Path, dict]) -> None:
    folder, _ = trained
    names = {p.name for p in folder.iterdir()}
    assert names == {"architecture.yaml", "weights.safetensors", "training.json"}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"setup": {"modle": 1}}'])
def test_a_damaged_record_is_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "training.json").write_text(content, encoding="utf-8")
    with pytest.raises(UnavailableError, match=r"training\.json"):
        evaluate_model(tmp_path)


def test_other_labels_are_refused(trained: tuple[Path, dict], tmp_path: Path) -> None:
    folder, record = trained
    for name in ("architecture.yaml", "weights.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "training.json").write_text(json.dumps(record | {"labels": ["a", "b"]}))
    with pytest.raises(UnavailableError, match="labels"):
        evaluate_model(tmp_path)


def test_what_a_constant_answer_scores_is_kept_with_its_data(trained: tuple[Path, dict]) -> None:
    folder, record = trained
    constant = record["constant"]
    assert set(constant) == set(record["report"])
    assert 0.3 < constant["accuracy"] < 0.7  # two classes, not far from even
    assert evaluate_model(folder)["constant"] == constant
    # Of other files it is not known.
    (folder.parent / "elsewhere").mkdir(exist_ok=True)
    assert evaluate_model(folder, data=str(folder.parent / "elsewhere"))["constant"] is None
