"""What a worker is told means the same in a process that stands elsewhere, and goes by pickle."""

import pickle
from pathlib import Path

import pytest

from autopelt.study.config import TrainingConfig
from autopelt.training.spec import Cache, Setup, TrialSpec


def test_a_models_folder_and_a_task_file_get_their_full_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    anywhere = Setup("model", "own.yaml").anywhere()
    assert anywhere.model == str(tmp_path / "model")
    assert anywhere.task == str(tmp_path / "own.yaml")
    assert anywhere.anywhere() == anywhere


def test_names_stay_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "minilm").mkdir()  # the default backbone is no folder, even where there is one
    for setup in (Setup("minilm", "rte"), Setup("google-bert/bert-base-uncased@main", "demo")):
        assert setup.anywhere() == setup


def test_a_spec_goes_to_another_process_as_it_is() -> None:
    setup = Setup("minilm", "demo", train_examples=8)
    spec = TrialSpec(3, "{}", 1, setup, TrainingConfig(epochs=2), cache=Cache("/x", 10))
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert len(pickle.dumps(spec)) < 2_000
