"""Choices land where they belong: options over a file over a task's own usual values."""

from pathlib import Path

import pytest

from autopelt.errors import UnavailableError, UsageError, parameter
from autopelt.workflows.settings import data_folder, resolve_config


def test_python_is_told_which_keyword_it_meant() -> None:
    with pytest.raises(UsageError, match="unknown parameter 'epoch': did you mean 'epochs'"):
        resolve_config(None, {"task": "demo", "epoch": 3})
    with pytest.raises(UsageError, match="unknown parameter 'dev': did you mean 'validation'"):
        resolve_config(None, {"train": "a.csv", "dev": "b.csv"})


def test_a_keyword_of_python_may_be_a_field_of_the_configuration() -> None:
    given = {"task": "demo", "space": "tiny", "training": {"warmup": 0.5}, "epochs": 2}
    config = resolve_config(None, given | {"seed_architectures": ["lora-r1"]})
    assert (config.training.warmup, config.training.epochs) == (0.5, 2)
    assert config.seed_architectures == ("lora-r1",)


def test_none_takes_back_what_a_configuration_file_says(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("task: demo\nspace: tiny\ntrial_timeout: 30m\n")
    assert str(resolve_config(str(file), {}).trial_timeout) == "30m"
    assert resolve_config(str(file), {"trial_timeout": "none"}).trial_timeout is None


def test_a_models_folder_is_found_from_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("model", "minilm"):
        (tmp_path / name).mkdir()
    (tmp_path / "latest").symlink_to("model")
    monkeypatch.chdir(tmp_path)
    for given, kept in (
        ("model", str(tmp_path / "model")),
        ("./latest", str(tmp_path / "latest")),
        ("./model/", str(tmp_path / "model")),
        ("minilm", "minilm"),
        ("owner/model", "owner/model"),
    ):
        config = resolve_config(None, {"task": "demo", "model": given})
        assert config.model == kept


def test_own_data_may_stand_in_a_configuration_file(tmp_path: Path) -> None:
    data = tmp_path / "own.csv"
    data.write_text("text,label\n" + "good,yes\nbad,no\n" * 20)
    file = tmp_path / "config.yaml"
    file.write_text(f"train: {data}\nspace: tiny\n")
    assert str(data) in resolve_config(str(file), {"score": "accuracy"}).task
    with pytest.raises(UsageError, match="give task or train, not both"):
        resolve_config(str(file), {"task": "demo"})


def test_seeds_are_names_between_commas_or_none() -> None:
    given = {"task": "demo", "space": "tiny"}
    config = resolve_config(None, given | {"seeds": "unipelt, lora-r8"})
    assert config.seed_architectures == ("unipelt", "lora-r8")
    assert resolve_config(None, given | {"seeds": "none"}).seed_architectures == ()


def test_the_folder_of_the_data_is_the_given_one_else_the_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTOPELT_DATA", raising=False)
    assert data_folder(None) is None
    monkeypatch.setenv("AUTOPELT_DATA", "there")
    assert data_folder(None) == str(tmp_path / "there")
    (tmp_path / "glue").mkdir()
    assert data_folder("glue") == str(tmp_path / "glue")
    with pytest.raises(UnavailableError, match="data 'gleu' is not a folder"):
        data_folder("gleu")


def test_a_wrong_choice_is_named_as_it_was_given() -> None:
    given = {"task": "demo", "trials": 0, "epochs": 0}
    with pytest.raises(UsageError) as caught:
        resolve_config(None, given)
    for name in ("trials", "epochs"):
        assert f" {name}: Input should be greater than or equal to 1" in str(caught.value)
        assert f" {parameter(name)}: " in caught.value.marked
