"""Classes of the user's own: which one F1 is about, rare ones, and weights."""

from pathlib import Path

import pytest
import torch
from datasets import Dataset
from sklearn.metrics import accuracy_score, f1_score
from tiny_models import tiny
from torch.nn.functional import cross_entropy

from autopelt.errors import UsageError
from autopelt.tasks import Source, make_task, task_from_files

GOLD = [0, 0, 0, 1, 1, 0, 0, 1, 0, 0]
FOUND = [0, 1, 0, 1, 1, 0, 0, 0, 0, 0]


def sheet(folder: Path, **counts: int) -> str:
    """A CSV with so many rows of each class; gives its path."""
    rows = [f"the cat {n} sat,{name}" for name, count in counts.items() for n in range(count)]
    path = folder / "rows.csv"
    path.write_text("text,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


def told(task) -> str:
    """What a user is told of it."""
    return " ".join(task.load(Source(), report=True).facts.notes)


@pytest.mark.parametrize("score", ["f1", "accuracy_f1"])
@pytest.mark.parametrize(("positive", "index"), [("", 0), ("alert", 0), ("normal", 1)])
def test_f1_is_of_the_rarer_class_or_the_one_that_is_named(
    score: str, positive: str, index: int, tmp_path
) -> None:
    path = sheet(tmp_path, alert=20, normal=180)
    task = task_from_files(path, score=score, positive=positive)
    notes = told(task)
    name, count = ("alert", 20) if index == 0 else ("normal", 180)
    bound = " and ".join(dict.fromkeys([score, *(["f1"] if positive else [])]))
    assert f"{bound}: of the class '{name}', which {count} of 200 training examples have" in notes
    assert ("another may be named as positive" in notes) == (not positive)
    expected = f1_score(GOLD, FOUND, pos_label=index)
    if score == "accuracy_f1":
        expected = (expected + accuracy_score(GOLD, FOUND)) / 2
    encoded = Dataset.from_dict({"labels": GOLD})
    assert task.score(FOUND, encoded)[score] == pytest.approx(expected)


def test_to_say_normal_always_is_no_good_answer_where_alerts_are_looked_for(tmp_path) -> None:
    task = task_from_files(sheet(tmp_path, alert=20, normal=180), score="f1")
    splits = task.load(Source(), report=True)
    normal = task.labels.index("normal")
    encoded = Dataset.from_dict({"labels": splits.report["label"]})
    assert task.score([normal] * len(encoded), encoded)["f1"] == 0.0
    assert task.labels[task.constant(splits.train)] == "alert"


def test_a_class_that_is_named_is_told_beside_the_metric(tmp_path) -> None:
    task = task_from_files(sheet(tmp_path, no=30, yes=30), positive="no")
    assert task.scores == ("accuracy", "macro_f1", "f1")


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"score": "f1"}, r"'f1' is about one class of two, and there are 3 \(a, b, c\)"),
        ({"score": "accuracy_f1"}, "score may be macro_f1 or weighted_f1"),
        ({"positive": "a"}, "positive='a' is about one class of two"),
    ],
)
def test_f1_of_more_than_two_classes_is_refused(keys, reason: str, tmp_path) -> None:
    task = task_from_files(sheet(tmp_path, a=20, b=20, c=20), **keys)
    with pytest.raises(UsageError, match=reason):
        task.load(Source())


def test_another_class_than_there_is_has_no_f1(tmp_path) -> None:
    task = task_from_files(sheet(tmp_path, ham=20, spam=20), positive="span")
    with pytest.raises(UsageError, match="positive='span' is no label: did you mean 'spam'"):
        task.load(Source())


def test_benchmarks_keep_class_1() -> None:
    for name in ("mrpc", "qqp"):
        assert make_task(name).labels[make_task(name).positive] in ("equivalent", "duplicate")


@pytest.mark.parametrize(
    ("counts", "score"),
    [
        ({"a": 100, "b": 9}, "macro_f1"),
        ({"a": 90, "b": 10}, "accuracy"),
        ({"a": 100, "b": 100, "c": 10}, "macro_f1"),
        (dict.fromkeys("abcdefghijklm", 10), "accuracy"),  # all are under a tenth, and equal
        (dict.fromkeys("abcdefghijkl", 10) | {"m": 4}, "macro_f1"),
    ],
)
def test_macro_f1_is_the_usual_score_where_a_class_is_rare(counts, score: str, tmp_path) -> None:
    task = task_from_files(sheet(tmp_path, **counts))
    assert task.metric.name == score
    rare = min(counts, key=counts.__getitem__)
    words = f"Scored by macro_f1, as '{rare}' has {counts[rare]} of {sum(counts.values())} rows"
    assert (words in told(task)) == (score == "macro_f1")
    assert task_from_files(sheet(tmp_path, **counts), score="accuracy").metric.name == "accuracy"


def test_balanced_classes_count_the_same(tmp_path) -> None:
    task = task_from_files(sheet(tmp_path, a=80, b=16, c=24), class_weights="balanced")
    splits = task.load(Source())
    task, model, tokenizer = tiny("bert", task)
    encoded = task.encode(splits.train, tokenizer, 32)
    task.learn_from(encoded)
    labels = encoded["labels"][:]
    counts = [labels.count(c) for c in range(3)]
    assert [w * n for w, n in zip(task.weights, counts, strict=True)] == pytest.approx(
        [len(labels) / 3] * 3
    )
    batch = task.collate(encoded.to_list(), tokenizer)
    with torch.no_grad():
        outputs = model(**task.inputs(batch))
    each = [
        float(
            cross_entropy(
                outputs.logits[batch["labels"] == c], batch["labels"][batch["labels"] == c]
            )
        )
        for c in range(3)
    ]
    assert float(task.loss(outputs, batch)) == pytest.approx(sum(each) / 3, rel=1e-5)
    assert task.loss(outputs, batch) == task.loss_of_scores(outputs, batch)
    assert task.prior(encoded) == [0.0, 0.0, 0.0]


def test_halves_of_a_batch_have_the_same_mean(tmp_path) -> None:
    """As a batch that does not fit into memory is trained."""
    task = task_from_files(sheet(tmp_path, a=80, b=16), class_weights="balanced")
    splits = task.load(Source())
    task, model, tokenizer = tiny("bert", task)
    rows = task.encode(splits.train, tokenizer, 32)
    task.learn_from(rows)

    def loss(some):
        batch = task.collate(some, tokenizer)
        return float(task.loss(model(**task.inputs(batch)), batch))

    rows = rows.to_list()[:40]
    with torch.no_grad():
        assert loss(rows) == pytest.approx((loss(rows[:20]) + loss(rows[20:])) / 2, rel=1e-5)
