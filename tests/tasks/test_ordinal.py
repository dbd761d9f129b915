"""Labels in an order: which order it is, predictions as expected ranks, scores, exports."""

import json
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset
from sklearn.metrics import cohen_kappa_score
from tiny_data import ordinal
from transformers import AutoModelForSequenceClassification

from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.load import load_config
from autopelt.backbones.shapes import shapes_of_config
from autopelt.backbones.source import resolve
from autopelt.cli.main import main
from autopelt.data.readers import Table
from autopelt.errors import UnavailableError, UsageError
from autopelt.export import export, find_trained
from autopelt.study.config import TrainingConfig
from autopelt.tasks import Source, make_task, task_from_files
from autopelt.tasks.ordinal import in_order, nearest_rank
from autopelt.tasks.prior import constant_scores
from autopelt.tasks.scores import quadratic_kappa
from autopelt.training.final import evaluate_model, train_model
from autopelt.training.spec import Setup
from autopelt.workflows.predict import predict


def written(folder, labels, **keys):
    lines = [f"the cat {n},{label}" for n, label in enumerate(labels)]
    path = folder / "ranks.csv"
    path.write_text("\n".join(["text,label", *lines]) + "\n", encoding="utf-8")
    return task_from_files(str(path), kind="ordinal", **keys)


# ---------------------------------------------------------------------- order
@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"10", "9", "-1"}, ["-1", "9", "10"]),
        ({"2.5", "10", "2"}, ["2", "2.5", "10"]),
        ({"10 stars", "1 star", "2 stars"}, ["1 star", "2 stars", "10 stars"]),
        ({"5-stars", "1-star"}, ["1-star", "5-stars"]),
    ],
)
def test_numbers_and_leading_numbers_are_an_order(labels, expected) -> None:
    assert in_order(labels) == expected


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({"1", "2", "many"}, "label 'many' begins with no number"),
        ({"500", "1,000"}, "label '1,000' begins with no number"),
        ({"1 star", "1 stars", "2 stars"}, "label '1 stars' like '1 star' begins with 1"),
    ],
)
def test_what_is_no_order_is_refused(labels, reason: str) -> None:
    with pytest.raises(UsageError, match=re.escape(reason) + r".*label_names.*low,mid,high"):
        in_order(labels)


def test_names_say_the_order(tmp_path) -> None:
    labels = ["mid", "high", "low"] * 20
    named = {"label_names": "low,mid,high"}
    task = written(tmp_path, labels, **named)
    splits = task.load(Source(), report=True)
    assert task.labels == ("low", "mid", "high")
    assert "The labels in order, lowest first: low, mid, high." in splits.facts.notes
    rows = [*splits.train, *splits.selection, *splits.report]
    expected = {f"the cat {n}": task.labels.index(label) for n, label in enumerate(labels)}
    assert {row["text"]: row["label"] for row in rows} == expected
    task = written(tmp_path, ["1", "2", "3"] * 20, label_names="3=bad,2=fair,1=good")
    task.load(Source())
    assert task.labels == ("bad", "fair", "good")
    with pytest.raises(UnavailableError, match=r"has 'hgih' .* has low, mid, high for 0, 1, 2"):
        written(tmp_path, [*labels, "hgih"], **named).load(Source())


def test_a_named_rank_without_an_example_keeps_its_place(tmp_path) -> None:
    task = written(tmp_path, ["low", "high"] * 20, label_names="low,mid,high")
    splits = task.load(Source())
    assert set(splits.train["label"]) == {0, 2}
    assert len(task.prior(splits.train.rename_column("label", "labels"))) == 3


def test_words_alone_end_a_search_in_one_line(tmp_path, tiny_bert, capsys) -> None:
    written(tmp_path, ["low", "high"] * 30)
    command = ["search", "--train", str(tmp_path / "ranks.csv"), "--kind", "ordinal"]
    assert main([*command, "--model", str(tiny_bert), "--dry-run"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "label 'high' begins with no number" in line
    assert "--label-names low,mid,high" in line


def test_it_is_named_but_never_inferred(tmp_path) -> None:
    written(tmp_path, [1, 2, 3] * 20)
    task = task_from_files(str(tmp_path / "ranks.csv"))
    assert task.kind == "classification"
    assert any("say kind ordinal" in note for note in task.origin.notes)
    task = written(tmp_path, ["1"] * 57 + ["2", "2", "3"])
    assert task.metric.name == "quadratic_kappa"
    assert task.origin.notes[0] == "The task is an ordinal, scored by quadratic_kappa: as given."


# ---------------------------------------------------------------------- scores and predictions
def test_kappa_by_hand_and_against_scikit_learn() -> None:
    assert quadratic_kappa([0, 1, 2, 3], [0, 1, 2, 3]) == 1.0
    assert quadratic_kappa([0, 1], [1, 0]) == -1.0
    # mean squared error 16 / 4; variances 4 and 3, means 2 and 3: by chance 4 + 3 + 1
    assert quadratic_kappa([0, 0, 4, 4], [0, 4, 4, 4]) == pytest.approx(0.5)
    draw = torch.Generator().manual_seed(0)
    for ranks in ([0, 1, 2, 3, 4], [0, 3, 4]):  # ranks that do not occur keep their distance
        gold, found = (
            torch.tensor(ranks)[torch.randint(len(ranks), (60,), generator=draw)] for _ in "ab"
        )
        gold, found = gold.tolist(), found.tolist()
        theirs = cohen_kappa_score(gold, found, labels=range(5), weights="quadratic")
        assert quadratic_kappa(gold, found) == pytest.approx(theirs)


@pytest.mark.parametrize("gold", [[1, 1, 1], [0, 1, 2]])
def test_kappa_of_one_answer_is_zero(gold) -> None:
    assert quadratic_kappa(gold, [1, 1, 1]) == 0.0
    assert quadratic_kappa([1, 1, 1], gold) == 0.0


def test_the_prediction_is_the_nearest_rank_not_the_likeliest(tmp_path) -> None:
    task, source = ordinal(tmp_path)
    task.load(source)
    assert task.labels == ("1 star", "2 stars", "3 stars", "4 stars")
    # expected ranks 1.4, 2.7 and 1
    shares = [[0.4, 0.1, 0.2, 0.3], [0.1, 0.0, 0.0, 0.9], [0.0, 1.0, 0.0, 0.0]]
    outputs = SimpleNamespace(logits=torch.tensor(shares).log())
    assert task.predictions(outputs, {}) == [1, 3, 1]
    told = task.worded(shares, None)
    assert [row["prediction"] for row in told] == ["2 stars", "4 stars", "2 stars"]
    assert [row["probability"] for row in told] == [0.1, 0.9, 1.0]
    assert told[0]["probabilities"] == dict(zip(task.labels, shares[0], strict=True))


def test_the_nearest_rank_has_the_least_expected_squared_error() -> None:
    draw = torch.Generator().manual_seed(1)
    for _ in range(50):
        shares = torch.rand(5, generator=draw).pow(3)
        shares = (shares / shares.sum()).tolist()
        errors = [sum(p * (r - y) ** 2 for y, p in enumerate(shares)) for r in range(5)]
        assert errors[nearest_rank(shares)] == min(errors)


def test_scores_and_the_constant_answer(tmp_path) -> None:
    task, _ = ordinal(tmp_path)
    task.labels = ("a", "b", "c", "d")
    split = Dataset.from_dict({"labels": [0, 0, 0, 2, 3]})
    # errors 0, 1, 0, 1, 0: mean square 0.4; variances 1.6 and 1.2, means 1 and 1
    assert task.score([0, 1, 0, 1, 3], split) == pytest.approx(
        {"quadratic_kappa": 1 - 0.4 / 2.8, "accuracy": 0.6, "macro_f1": 0.45, "mae": 0.4}
    )
    assert task.constant(split) == 0
    assert constant_scores(task, split, split) == pytest.approx(
        {"quadratic_kappa": 0.0, "accuracy": 0.6, "macro_f1": 0.25, "mae": 1.0}
    )


def test_of_an_error_the_constant_answer_has_the_least(tmp_path) -> None:
    ordinal(tmp_path)
    task = task_from_files(str(tmp_path / "stars.csv"), kind="ordinal", score="mae")
    task.labels = ("a", "b", "c", "d")
    assert not task.metric.higher_is_better
    split = Dataset.from_dict({"labels": [0, 0, 1, 3, 3]})
    assert task.constant(split) == 1  # errors of 0 to 3 add up to 7, 6, 7 and 8


# ---------------------------------------------------------------------- trained
def test_trained_evaluated_predicted_exported(tiny_bert, tmp_path, capsys) -> None:
    words = ["the", "not", "of"]
    lines = [f"{f'{words[n % 3]} ' * 3}{n},{words[n % 3]}" for n in range(180)]
    (tmp_path / "words.csv").write_text("\n".join(["text,label", *lines]) + "\n", encoding="utf-8")
    task = task_from_files(
        str(tmp_path / "words.csv"), kind="ordinal", label_names="of,the,not", score="mae"
    )
    assert make_task(task.spec).kind == "ordinal"
    shapes = shapes_of_config(load_config(resolve(str(tiny_bert))))
    setup = Setup(str(tiny_bert), task.spec, max_length=16)
    schedule = TrainingConfig(epochs=6, learning_rate_factor=10.0, dropout=False)
    folder = tmp_path / "trained"
    record = train_model(
        setup, seed_architecture("lora-r8", shapes), schedule, 0, folder, lambda _: None
    )
    assert record.report["quadratic_kappa"] > 0.9 > record.constant["quadratic_kappa"] == 0
    assert record.report["mae"] < 0.1 < record.constant["mae"]
    assert evaluate_model(folder)["report"] == record.report

    table = Table({"text": ["the the the 999", "of of of 999", "not not not 999"]}, "new")
    shipped = export(folder, "autopelt", tmp_path / "shipped")
    for place in (folder, shipped):
        found = predict(find_trained(place), table)
        assert [row["prediction"] for row in found] == ["the", "of", "not"]
        assert all(list(row["probabilities"]) == ["of", "the", "not"] for row in found)
    (snippet,) = re.findall(
        r"```python\n(.*?)```", (shipped / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    capsys.readouterr()
    snippet = snippet.replace("path/to/this/folder", str(shipped))
    for word in ("the", "of", "not"):
        asked = re.sub(r'"A first text.", "A second text."', f'"{word} {word} {word} 999"', snippet)
        exec(compile(asked, "README.md", "exec"), {})
    assert capsys.readouterr().out.split() == ["the", "of", "not"]
    merged = export(folder, "merged", tmp_path / "merged")
    model = AutoModelForSequenceClassification.from_pretrained(merged)
    assert model.config.problem_type == "single_label_classification"
    assert model.config.id2label == {0: "of", 1: "the", 2: "not"}


def test_a_search_and_its_script_predict_ranks(tiny_bert, tmp_path) -> None:
    ordinal(tmp_path)
    study, script = tmp_path / "study", tmp_path / "script"
    command = f"search --train {tmp_path / 'stars.csv'} --kind ordinal --model {tiny_bert}"
    command += " --class-weights balanced --trials 1 --epochs 1 --seeds lora-r2 --budget 5%"
    assert main([*command.split(), "--out", str(study)]) == 0
    assert main(["export", str(study), "--to", "script", "--out", str(script)]) == 0
    assert "ORDERED = True" in (script / "train.py").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=script, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1].removeprefix("report "))
    assert list(report) == ["quadratic_kappa", "accuracy", "macro_f1", "mae"]
