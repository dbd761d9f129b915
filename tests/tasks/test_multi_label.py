"""Any number of labels: how files say them, thresholds, scores, predictions and exports."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from sklearn.metrics import f1_score
from tiny_data import multi_label
from tiny_models import tiny
from transformers import AutoModelForSequenceClassification

from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.load import load_config
from autopelt.backbones.shapes import shapes_of_config
from autopelt.backbones.source import resolve
from autopelt.cli.main import main
from autopelt.data.readers import Table
from autopelt.errors import UnavailableError
from autopelt.export import export, find_trained
from autopelt.study.config import TrainingConfig
from autopelt.tasks import Source, task_from_files
from autopelt.tasks.label_sets import label_sets
from autopelt.tasks.thresholds import best_threshold, best_thresholds, macro_f1, micro_f1
from autopelt.training.final import evaluate_model, train_model
from autopelt.training.spec import Setup
from autopelt.workflows.predict import predict

FILES = Path(__file__).resolve().parents[1] / "fixtures"
EMOTIONS = "anger,gratitude,joy,confusion,neutral"


# ---------------------------------------------------------------------- files
def read(values, **named: str):
    return label_sets(Table({"text": ["a"] * len(values), "label": list(values)}, "t"), named)


def test_emotions_are_read_as_their_file_has_them() -> None:
    task = task_from_files(
        str(FILES / "emotions.tsv"),
        columns="text,label,id",
        label_names=EMOTIONS,
        separator=",",
    )
    assert (task.kind, task.metric.name) == ("multi_label", "micro_f1")
    splits = task.load(Source(), report=True)
    assert task.labels == ("anger", "confusion", "gratitude", "joy", "neutral")
    rows = [*splits.train, *splits.selection, *splits.report]
    assert len(rows) == 20
    (broken,) = (row for row in rows if row["text"].startswith("Thanks, but"))
    assert broken["label"] == [1, 1, 1, 0, 0]


def test_comments_have_a_column_for_each_label() -> None:
    task = task_from_files(
        str(FILES / "comments.csv"), text="comment_text", label="rude,threat,spam"
    )
    assert task.kind == "multi_label"
    splits = task.load(Source(), report=True)
    assert any("of 16 training examples have none" in note for note in splits.facts.notes)
    rows = [*splits.train, *splits.selection, *splits.report]
    assert task.labels == ("rude", "spam", "threat")
    assert sum(sum(row["label"]) for row in rows) == 12
    (both,) = (row for row in rows if "where you live" in row["text"])
    assert both["label"] == [1, 0, 1]


@pytest.mark.parametrize(
    ("values", "named", "expected"),
    [
        ([["a", "b"], []], {}, [["a", "b"], []]),
        ([["a", "a"], None], {}, [["a"], []]),
        ([[0, 2], [1]], {}, [["0", "2"], ["1"]]),
        ([[0, 2], [1]], {"label_names": "x,y,z"}, [["x", "z"], ["y"]]),
        (["a, b", ""], {}, [["a", "b"], []]),
        (["a;b c", "d"], {}, [["a", "b c"], ["d"]]),
        (["a,x|b", "d"], {"separator": "|"}, [["a,x", "b"], ["d"]]),
        (["a|b", "d"], {}, [["a", "b"], ["d"]]),
        (["['a', 'b']", "[]", '["b"]'], {}, [["a", "b"], [], ["b"]]),
    ],
)
def test_lists_and_separated_texts(values, named, expected) -> None:
    assert read(values, **named) == expected


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([["a"], [["b"]]], "where a list of labels is needed"),
        ([["a"], [""]], "where a list of labels is needed"),
        ([["a"], {"b": 1}], r"has an object \(\{'b': 1\}\) in column 'label'"),
        ([["a"], 0.5], "has a number with a decimal point"),
        ([[0, 1, 0], [0, 0, 1]], "has a 0 or 1 for each label .*label.0,label.1,label.2"),
        ([[1.0, 0.0], [0.0, 1.0]], "has a 0 or 1 for each label"),
        (["[0, 1]", "[1, 0]"], "in the lists of column 'label'; write them as columns"),
        (["['a' 'b']", "['b']"], r"has a text \(\"\['a' 'b'\]\"\) .* not written as a list"),
        (["[a, b]"], "not written as a list"),
    ],
)
def test_what_is_no_list_of_labels_is_refused(values, reason: str) -> None:
    with pytest.raises(UnavailableError, match=reason):
        read(values)


def test_a_column_of_labels_has_zeros_and_ones() -> None:
    table = Table({"text": ["a", "b"], "x": ["1", "0"], "y": ["0", "2"]}, "t")
    with pytest.raises(UnavailableError, match="column 'y'; a column for each label has 0 or 1"):
        label_sets(table, {"label": "x,y"})
    with pytest.raises(UnavailableError, match="no column 'z'"):
        label_sets(table, {"label": "x,z"})


def test_labels_of_validation_must_be_known(tmp_path) -> None:
    rows = [{"text": f"the cat {n}", "label": ["a", "b"][: 1 + n % 2]} for n in range(40)]
    for name, more in (("train", []), ("dev", [{"text": "x", "label": ["a", "c"]}])):
        text = "\n".join(map(json.dumps, rows + more))
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    task = task_from_files(str(tmp_path / "train.jsonl"), validation=str(tmp_path / "dev.jsonl"))
    with pytest.raises(UnavailableError, match="has the label 'c', which no training example has"):
        task.load(Source())


# ---------------------------------------------------------------------- thresholds and scores
def test_scores_against_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    gold, found = draw.random((50, 4)) < 0.3, draw.random((50, 4)) < 0.4
    assert micro_f1(gold, found) == pytest.approx(f1_score(gold, found, average="micro"))
    assert macro_f1(gold, found) == pytest.approx(f1_score(gold, found, average="macro"))
    never = np.zeros((50, 1), dtype=bool)  # a label that is neither there nor found
    assert macro_f1(np.hstack([gold, never]), np.hstack([found, never])) == macro_f1(gold, found)


def test_a_threshold_is_the_best_there_is() -> None:
    draw = np.random.default_rng(1)
    for _ in range(20):
        gold = draw.random(30) < 0.3
        shares = np.round(draw.random(30) * 0.6 + 0.3 * gold, 1)  # with ties
        reached = micro_f1(gold, shares > best_threshold(gold, shares))
        others = [micro_f1(gold, shares > t) for t in np.linspace(0, 1, 201)]
        assert reached == pytest.approx(max(others))


def test_a_rare_label_is_decided_as_all_together_are() -> None:
    draw = np.random.default_rng(2)
    gold = np.stack([draw.random(200) < 0.4, np.arange(200) < 3], axis=1)
    shares = draw.random((200, 2)) * 0.5 + 0.4 * gold
    chosen = best_thresholds(gold, shares)
    assert chosen[1] == best_threshold(gold, shares)
    assert chosen[0] == best_threshold(gold[:, 0], shares[:, 0])


def test_the_selection_split_decides_and_others_are_scored_by_that(tmp_path) -> None:
    task, _ = multi_label(tmp_path)
    task.labels = ("a", "b")
    gold = [[1, 0]] * 12 + [[0, 1]] * 12
    shares = [[0.2, 0.1]] * 12 + [[0.1, 0.9]] * 12  # "a" is never likely
    selection = task.score(shares, Dataset.from_dict({"labels": gold}))
    assert selection["macro_f1"] == 1.0
    assert selection["threshold a"] == pytest.approx(0.15)
    decided = task.decided(selection)
    report = decided.score([[0.16, 0.0], [0.14, 0.95]], Dataset.from_dict({"labels": gold[11:13]}))
    assert report == {"micro_f1": 1.0, "macro_f1": 1.0, "exact_match": 1.0}
    assert [row["prediction"] for row in decided.worded([[0.16, 0.9], [0.0, 0.0]], None)] == [
        ["b", "a"],
        [],
    ]


def test_the_loss_is_a_mean_over_labels(tmp_path) -> None:
    task, source = multi_label(tmp_path)
    splits = task.load(source)
    task, model, tokenizer = tiny("bert", task)
    batch = task.collate(task.encode(splits.train, tokenizer, 32).to_list(), tokenizer)
    with torch.no_grad():
        outputs = model(**batch)
    p = outputs.logits.sigmoid()
    expected = -torch.where(batch["labels"] > 0, p.log(), (1 - p).log()).mean()
    assert float(task.loss_of_scores(outputs, batch)) == pytest.approx(float(expected), rel=1e-5)
    assert float(outputs.loss) == pytest.approx(float(expected), rel=1e-5)


# ---------------------------------------------------------------------- trained
def test_trained_evaluated_predicted_exported(tiny_bert, tmp_path) -> None:
    topics = {"the": 1, "not": 2, "of": 4}
    rows = [
        {
            "text": " ".join([w for w, bit in topics.items() if n & bit] * 3 or ["a"])
            + f" {n + 10}",
            "label": [w for w, bit in topics.items() if n & bit],
        }
        for n in range(240)
    ]
    path = tmp_path / "topics.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    task = task_from_files(str(path))
    shapes = shapes_of_config(load_config(resolve(str(tiny_bert))))
    setup = Setup(str(tiny_bert), task.spec, max_length=24)
    schedule = TrainingConfig(epochs=16, learning_rate_factor=10.0, dropout=False)
    architecture = seed_architecture("lora-r8", shapes)
    folder = tmp_path / "trained"
    record = train_model(setup, architecture, schedule, 0, folder, lambda _: None)
    assert record.report["micro_f1"] > 0.95 > record.constant["micro_f1"]
    assert set(record.report) == set(record.constant) == {"micro_f1", "macro_f1", "exact_match"}
    assert evaluate_model(folder)["report"] == record.report

    table = Table({"text": ["the not the not the not 99", "of of of 99"]}, "new")
    for place in (folder, export(folder, "autopelt", tmp_path / "shipped")):
        found = predict(find_trained(place), table)
        assert [sorted(row["prediction"]) for row in found] == [["not", "the"], ["of"]]
        assert all(list(row["probabilities"]) == ["not", "of", "the"] for row in found)
    merged = export(folder, "merged", tmp_path / "merged")
    model = AutoModelForSequenceClassification.from_pretrained(merged)
    assert model.config.problem_type == "multi_label_classification"
    assert model.config.id2label == {0: "not", 1: "of", 2: "the"}

    (tmp_path / "new.csv").write_text("text\nthe not the not the not 99\nof of of 99\n")
    out = tmp_path / "out.csv"
    command = ["predict", str(folder), str(tmp_path / "new.csv"), "--out", str(out)]
    assert main(command) == 0
    with out.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [sorted(line["prediction"].split(",")) for line in lines] == [["not", "the"], ["of"]]
    assert float(lines[1]["probability_of"]) > float(lines[1]["probability_not"])
