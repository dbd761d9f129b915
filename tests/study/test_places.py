"""A study, its model and its data moved together are found again; anything else is named."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file, save_file
from small_search import Quiet, plan

from autopelt.cli.main import main
from autopelt.errors import UnavailableError
from autopelt.study.config import CONFIG
from autopelt.study.places import places_of
from autopelt.study.storage import StudyStorage
from autopelt.training.final import read_record
from autopelt.workflows.search import search


@pytest.fixture(scope="module")
def made(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder with a model, own data and a study of one trial, trained for keeps."""
    folder = tmp_path_factory.mktemp("places") / "project"
    shutil.copytree(tiny_bert, folder / "models" / "bert")
    rows = "".join(f"the {'good' if n % 2 else 'bad'} {n},{n % 2}\n" for n in range(90))
    (folder / "data.csv").write_text("text,label\n" + rows, "utf-8")
    how = {"task": None, "train": str(folder / "data.csv"), "train_examples": None}
    how |= {"trials": 1, "repeats": 0, "epochs": 1, "seeds": "lora-r1", "workers": 1}
    search(plan(folder / "models" / "bert", **how), folder / "reports" / "study", Quiet())
    assert main(["train", str(folder / "reports" / "study")]) == 0
    return folder


@pytest.fixture
def moved(made: Path, tmp_path: Path) -> Path:
    """All of it in another place, and nothing where it was."""
    there = Path(shutil.copytree(made, tmp_path / "elsewhere" / "p"))
    made.rename(made.with_name("gone"))
    yield there
    made.with_name("gone").rename(made)


def ends_with(code: int, *words: object) -> None:
    assert main([str(word) for word in words]) == code, words


def test_every_command_finds_what_was_moved_together(
    moved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = moved / "reports" / "study"
    places = places_of(StudyStorage.open(study).config)
    assert places == {"model": str(moved / "models" / "bert"), "train": str(moved / "data.csv")}
    assert read_record(study / "trained").setup.model == str(moved / "models" / "bert")
    ends_with(0, "status", study)
    ends_with(0, "predict", study / "trained", moved / "data.csv", "--out", moved / "found.jsonl")
    ends_with(0, "predict", study, moved / "data.csv", "--out", moved / "found-2.jsonl")
    ends_with(0, "export", study, "--to", "autopelt", "--out", moved / "exported")
    ends_with(0, "evaluate", study / "trained")
    ends_with(0, "train", study, "--out", moved / "again")
    # Going on there keeps the place, so that a second move is followed as well.
    ends_with(0, "resume", study, "--trials", 2)
    assert "'project'" not in capsys.readouterr().err
    second = moved.rename(moved.with_name("q"))
    try:
        opened = StudyStorage.open(second / "reports" / "study")
        assert places_of(opened.config)["model"] == str(second / "models" / "bert")
    finally:
        second.rename(moved)


def test_another_model_or_other_data_are_never_taken(
    moved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, weights = moved / "reports" / "study", moved / "models" / "bert" / "model.safetensors"
    tensors = load_file(weights)
    kept = {name: tensor.clone() for name, tensor in tensors.items()}
    tensors["embeddings.word_embeddings.weight"][0] += 1
    save_file(tensors, weights, {"format": "pt"})
    for command in (["train", str(study)], ["resume", str(study)], ["confirm", str(study)]):
        assert main(command) == 3
        error = capsys.readouterr().err
        assert f"is gone, and '{moved / 'models' / 'bert'}' is another one" in error
        assert f"write its new place as 'model' into {study / CONFIG}" in error
    assert main(["predict", str(study), str(moved / "data.csv"), "--out", "x.jsonl"]) == 3
    assert "does not exist; give --model" in capsys.readouterr().err
    ends_with(0, "status", study)
    save_file(kept, weights, {"format": "pt"})
    with (moved / "data.csv").open("a", encoding="utf-8") as file:
        file.write("one more,1\n")
    for command in (["train", str(study), "--out", str(moved / "t")], ["resume", str(study)]):
        assert main(command) == 3
        assert "is not what was recorded" in capsys.readouterr().err
    (moved / "data.csv").unlink()
    assert main(["resume", str(study)]) == 3
    assert "data.csv' of study" in capsys.readouterr().err


def test_a_new_place_is_written_into_the_configuration(moved: Path, tmp_path: Path) -> None:
    """What was not moved together: the user says where it is, and it must be the same."""
    study = moved / "reports" / "study"
    (moved / "models" / "bert").rename(tmp_path / "my-bert")
    with pytest.raises(UnavailableError, match="'model' into"):
        StudyStorage.open(study).require_places()
    values = yaml.safe_load((study / CONFIG).read_text("utf-8")) | {"model": f"{tmp_path}/my-bert"}
    (study / CONFIG).write_text(yaml.safe_dump(values), "utf-8")
    ends_with(0, "resume", study, "--trials", 2)
    assert json.loads((study / "best" / "metrics.json").read_text("utf-8"))
