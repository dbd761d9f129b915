"""Pictures and sounds from files to answers, on a ViT and a Whisper's encoder."""

import json
import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny_media
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageClassification

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.load import load_config
from autopelt.backbones.shapes import shapes_of_config
from autopelt.backbones.source import resolve
from autopelt.cli.main import main
from autopelt.errors import UnavailableError
from autopelt.methods.module import Module
from autopelt.study.config import TrainingConfig
from autopelt.study.lookup import find_architecture
from autopelt.study.storage import StudyStorage
from autopelt.tasks import Source, task_from_files
from autopelt.training.final import train_model
from autopelt.training.spec import Setup


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_media.pictures(tmp_path_factory.mktemp("data") / "pictures")


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_media.vit(tmp_path_factory.mktemp("vit"))


def predicted(capsys: pytest.CaptureFixture[str], folder: Path, files: Path) -> list[dict]:
    capsys.readouterr()
    code = main(["predict", str(folder), str(files)])
    out, err = capsys.readouterr()
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


def test_a_search_on_pictures_and_what_it_predicts(pictures, vit, tmp_path, capsys) -> None:
    study = tmp_path / "study"
    told = ["search", "--train", str(pictures), "--model", str(vit), "--out", str(study)]
    told += ["--budget", "20%", "--trials", "3", "--epochs", "4", "--workers", "1"]
    assert main(told) == 0
    said = capsys.readouterr().out
    assert "tried on the model" in said
    assert "by a hash of each picture" in said
    record = StudyStorage.open(study).record()
    assert [trial.state for trial in record.trials] == ["complete"] * 3
    (row,) = predicted(capsys, study, pictures / "red" / "3.png")
    assert row["image"] == "3.png"
    assert set(row["probabilities"]) == {"blue", "red"}


def test_a_trained_vit_tells_colours_and_merges(pictures, vit, tmp_path, capsys) -> None:
    task = task_from_files(str(pictures))
    shapes = shapes_of_config(load_config(resolve(str(vit))))
    lora = find_architecture("lora-r4", shapes).architecture
    training = TrainingConfig(epochs=12, batch_size=4, learning_rate_factor=10)
    train_model(Setup(str(vit), task.spec), lora, training, 0, tmp_path / "lora", lambda _: None)
    rows = predicted(capsys, tmp_path / "lora", pictures)
    right = sum(row["prediction"] == row["label"] for row in rows)
    assert right >= 0.9 * len(rows)
    merged = tmp_path / "merged"
    assert main(["export", str(tmp_path / "lora"), "--to", "merged", "--out", str(merged)]) == 0
    model = AutoModelForImageClassification.from_pretrained(merged).eval()
    processor = AutoImageProcessor.from_pretrained(merged)
    inputs = processor(Image.open(pictures / rows[0]["image"]), return_tensors="pt")
    with torch.no_grad():
        shares = model(**inputs).logits.softmax(-1)[0]
    found = {model.config.id2label[i]: float(share) for i, share in enumerate(shares)}
    assert found == pytest.approx(rows[0]["probabilities"], abs=1e-5)


def test_a_whisper_hears_without_its_decoder(tmp_path, capsys) -> None:
    sounds, model = tiny_media.sounds(tmp_path / "sounds"), tiny_media.whisper(tmp_path / "model")
    task = task_from_files(str(sounds))
    assert task.kind == "audio_classification"
    shapes = shapes_of_config(load_config(resolve(str(model))))
    assert (shapes.layers, shapes.decoder) == (2, False)
    modules = (
        Module("lora", "attention.query", 1, 2),
        Module("sequential_adapter", "ffn", 0, 2),
        Module("prefix", "attention", 1, 2, gate="masked"),
    )
    setup, training = Setup(str(model), task.spec), TrainingConfig(epochs=2, batch_size=4)
    told = []
    train_model(setup, Architecture(modules), training, 0, tmp_path / "out", told.append)
    assert len(told) == 2
    rows = predicted(capsys, tmp_path / "out", sounds)
    assert [row["label"] for row in rows] == ["high"] * 6 + ["low"] * 6
    assert all(sum(row["probabilities"].values()) == pytest.approx(1) for row in rows)


def test_equal_files_stay_on_one_side_and_the_folder_may_move(pictures, tmp_path) -> None:
    folder = tmp_path / "copies"
    shutil.copytree(pictures, folder)
    for path in list(folder.glob("*/*.png")):
        shutil.copyfile(path, path.with_name(f"copy-of-{path.name}"))
    splits = task_from_files(str(folder)).load(Source(), report=True)
    parts = [set(part["content"]) for part in (splits.train, splits.selection, splits.report)]
    assert all(not one & other for one, other in combinations(parts, 2))
    folder.rename(tmp_path / "moved")
    again = task_from_files(str(tmp_path / "moved")).load(Source())
    assert again.facts.hash == splits.facts.hash


def test_a_table_has_paths_from_where_it_lies(pictures, tmp_path) -> None:
    table = pictures.parent / "table.csv"
    rows = [(f"pictures/{name}/{i}.png", name) for name in ("red", "blue") for i in range(4)]
    table.write_text("photo,label\n" + "".join(f"{path},{name}\n" for path, name in rows))
    task = task_from_files(str(table), text="photo")
    assert task.kind == "image_classification"
    assert len(task.load(Source()).train) > 0
    table.write_text(table.read_text() + "not a path,red\n")
    mixed = task_from_files(str(table), text="photo", kind="image_classification")
    with pytest.raises(UnavailableError, match=r"line 10 has 'not a path' in column 'photo'"):
        mixed.load(Source())


def test_a_single_class_is_nothing_to_learn(pictures, tmp_path) -> None:
    shutil.copytree(pictures / "red", tmp_path / "one" / "red")
    with pytest.raises(UnavailableError, match="have the label 'red'"):
        task_from_files(str(tmp_path / "one")).load(Source())


def test_a_long_sound_is_cut_and_that_is_said(tmp_path) -> None:
    sounds = tiny_media.sounds(tmp_path / "sounds", each=4)
    soundfile.write(sounds / "low" / "0.wav", np.zeros(3 * tiny_media.RATE), tiny_media.RATE)
    task = task_from_files(str(sounds))
    whole = task_from_files(str(sounds)).load(Source()).train

    class Processor:
        chunk_length = 1

    (note,) = [*task.notes(task.encode(whole, Processor(), 128)), ""][:1]
    long = sum(path.endswith("low/0.wav") for path in whole["path"])
    assert note == (f"1 of {len(whole)} sounds are longer than 1 seconds and were cut." * long)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("vit", "a vit model has no audio classification head"),
        ("bert", "a bert model has no image"),
    ],
)
def test_a_model_that_takes_something_else_is_named(
    model, words, pictures, vit, tiny_bert, tmp_path, capsys
) -> None:
    data = tiny_media.sounds(tmp_path / "sounds", each=4) if model == "vit" else pictures
    folder = vit if model == "vit" else tiny_bert
    told = ["search", "--train", str(data), "--model", str(folder), "--budget", "20%"]
    assert main([*told, "--out", str(tmp_path / "s")]) == 2
    assert words in capsys.readouterr().err
