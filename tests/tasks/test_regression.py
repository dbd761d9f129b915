"""Numbers on any scale are learned, predicted, scored and exported as the labels have them."""

import json
import random
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import tiny
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.shapes import shapes_of_config
from autopelt.cli.main import main
from autopelt.data.readers import Table
from autopelt.errors import UnavailableError, UsageError
from autopelt.export import export, find_trained
from autopelt.study.config import TrainingConfig
from autopelt.study.storage import StudyStorage
from autopelt.tasks import Source, task_from_files
from autopelt.tasks.scores import SCORES
from autopelt.training.final import evaluate_model, train_model
from autopelt.training.spec import Setup
from autopelt.workflows.predict import predict

WORDS = ("the", "a", "of", "in", "is", "was", "not", "did", "no", "on")
SCALES = {"about 10": (10, 2), "about 90": (90, 40), "salaries": (1e5, 5e3), "tiny": (1e-4, 1e-5)}


def numbers(folder: Path, centre: float, spread: float, examples: int = 400) -> Path:
    """Texts of one word, again and again, that says the number, and a count: an easy set."""
    draw = random.Random(0)
    lines = ["text,label"]
    for n in range(examples):
        word = draw.randrange(len(WORDS))
        label = centre + spread * (word - 4.5) / 2.87 + 0.1 * spread * draw.gauss(0, 1)
        lines.append(f"{' '.join([WORDS[word]] * 4)} {n},{label!r}")
    path = folder / "numbers.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def trained(
    folder: Path, data: Path, model: Path, name: str = "lora-r2", **keys: str
) -> tuple[Path, dict]:
    """A folder of `autopelt train`, and its record."""
    task = task_from_files(str(data), kind="regression", **keys)
    architecture = seed_architecture(name, shapes_of_config(model_config(model)))
    schedule = TrainingConfig(epochs=6, learning_rate_factor=10.0, dropout=False)
    setup = Setup(str(model), task.spec, max_length=16)
    record = train_model(setup, architecture, schedule, 0, folder / "trained", lambda _: None)
    return folder / "trained", record.to_dict()


def model_config(model: Path):
    from autopelt.backbones.load import load_config
    from autopelt.backbones.source import resolve

    return load_config(resolve(str(model)))


TEXTS = [" ".join([word] * 4) for word in WORDS]


def said(folder: Path) -> np.ndarray:
    """What the trained model predicts for each word."""
    rows = predict(find_trained(folder), Table({"text": TEXTS}, "texts"))
    return np.array([row["prediction"] for row in rows])


def loaded(folder: Path) -> np.ndarray:
    """What a plain transformers model in a folder says of each word."""
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        return model(**tokenizer(TEXTS, return_tensors="pt", padding=True)).logits[:, 0].numpy()


@pytest.mark.parametrize("scale", SCALES)
def test_predictions_are_on_the_scale_of_the_labels(scale: str, tiny_bert, tmp_path) -> None:
    centre, spread = SCALES[scale]
    folder, record = trained(tmp_path, numbers(tmp_path, centre, spread), tiny_bert)
    assert record["report"]["r2"] > 0.5
    assert record["report"]["rmse"] < 0.7 * spread
    found = said(folder)
    assert (np.abs(found - centre) < 3 * spread).all()
    assert found[-1] - found[0] > spread  # the words, not the mean for each
    again = evaluate_model(folder)["report"]
    assert again == pytest.approx(record["report"], rel=1e-3)
    export(folder, "merged", tmp_path / "merged")
    assert loaded(tmp_path / "merged") == pytest.approx(found, rel=1e-4)


def test_every_export_gives_the_labels_numbers(tiny_bert, tmp_path) -> None:
    folder, _ = trained(tmp_path, numbers(tmp_path, 90, 40, 200), tiny_bert)
    found = said(folder)
    export(folder, "autopelt", tmp_path / "autopelt")
    assert said(tmp_path / "autopelt") == pytest.approx(found)
    export(folder, "merged", tmp_path / "merged")
    config = json.loads((tmp_path / "merged" / "config.json").read_text())
    assert config["problem_type"] == "regression"
    peft = pytest.importorskip("peft")
    export(folder, "peft", tmp_path / "peft")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft's own advice
        model = peft.AutoPeftModelForSequenceClassification.from_pretrained(
            tmp_path / "peft", num_labels=1
        ).eval()
    tokens = AutoTokenizer.from_pretrained(tiny_bert)(TEXTS, return_tensors="pt", padding=True)
    with torch.no_grad():
        assert model(**tokens).logits[:, 0].numpy() == pytest.approx(found, rel=1e-4)


def test_a_head_without_a_bias_gets_one_and_says_who_cannot_load_it(tmp_path) -> None:
    data = numbers(tmp_path, 90, 10, 120)
    task = task_from_files(str(data))
    _, model, tokenizer = tiny("gpt2", task)
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path / "gpt2")
    folder, record = trained(tmp_path, data, tmp_path / "gpt2")
    assert (np.abs(said(folder) - 90) < 40).all()
    assert evaluate_model(folder)["report"] == pytest.approx(record["report"], rel=1e-3)
    for to in ("merged", "peft"):
        with pytest.raises(UsageError, match=rf"cannot export to {to}: the head of a gpt2 has no"):
            export(folder, to, tmp_path / to)


@pytest.mark.parametrize("score", ["rmse", "mae"])
def test_an_error_is_searched_for_with_its_sign_turned(score, tiny_bert, tmp_path) -> None:
    data = numbers(tmp_path, 90, 40, 160)
    folder, record = trained(tmp_path, data, tiny_bert, score=score)
    assert record["metric"] == score
    assert next(iter(record["report"])) == score
    assert record["constant"][score] > record["report"][score] > 0
    assert evaluate_model(folder)["constant"] == record["constant"]


def test_the_best_constant_answer_of_an_error() -> None:
    gold = [1.0, 2.0, 3.0, 10.0]
    for score, answer in (("rmse", 4.0), ("mae", 2.5)):
        reached = SCORES[score](gold, [answer] * 4)
        assert all(SCORES[score](gold, [x / 10] * 4) >= reached - 1e-12 for x in range(120))


def test_a_search_for_less_error(tiny_bert, tmp_path, capsys) -> None:
    data = numbers(tmp_path, 90, 40, 120)
    command = f"search --train {data} --score rmse --model {tiny_bert} --trials 3 --epochs 2"
    out = tmp_path / "study"
    assert main([*command.split(), "--seeds", "lora-r2", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "negative rmse" in printed
    metrics = json.loads((out / "best" / "metrics.json").read_text())
    best = StudyStorage.open(out).record().best
    assert best.score == pytest.approx(-metrics["selection"]["rmse"])
    assert {"r2", "mae", "pearson"} <= set(metrics["selection"])
    script = tmp_path / "script"
    assert main(["export", str(out), "--to", "script", "--out", str(script)]) == 0
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=script, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1].removeprefix("report "))
    assert report["rmse"] < 80
    shutil.rmtree(script)


def test_one_number_for_all_is_refused(tmp_path) -> None:
    (tmp_path / "same.csv").write_text("text,label\n" + "a b,0.5\n" * 40, encoding="utf-8")
    with pytest.raises(UnavailableError, match=r"all 40 training examples have the number 0\.5"):
        task_from_files(str(tmp_path / "same.csv")).load(Source())
