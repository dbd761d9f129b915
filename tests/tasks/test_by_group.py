"""Scores of groups of examples: told beside the task's own, and never deciding anything."""

import json

import pytest
from datasets import Dataset
from tiny_models import tiny

from autopelt.data.source import GROUP
from autopelt.errors import UnavailableError, UsageError
from autopelt.tasks import Source, make_task, task_from_files
from autopelt.tasks.by_group import FEWEST, MOST, not_scored, scored, scored_groups
from autopelt.tasks.multi_label import THRESHOLD


def _lines(folder, rows, name="a.jsonl"):
    path = folder / name
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(path)


def _reviews(folder, languages=("en", "de", None), examples=120, **more):
    rows = [
        {"text": f"review {n}", "label": "ab"[n % 2], "language": languages[n % len(languages)]}
        for n in range(examples)
    ]
    return _lines(folder, [row | more for row in rows])


def test_a_group_is_scored_by_the_metric_of_its_examples():
    task = make_task("rte")
    encoded = Dataset.from_dict({"labels": [1] * 40, GROUP: ["en"] * 20 + ["de"] * 11 + ["sl"] * 9})
    scores = scored(task, [1] * 20 + [0] * 20, encoded)
    assert scores == {"accuracy": 0.5, "accuracy[en]": 1.0, "accuracy[de]": 0.0}
    assert next(iter(scores)) == task.metric.name
    assert scored_groups(encoded) == {"en": 20, "de": 11}
    assert not_scored(encoded) == [
        "1 of 3 groups get no score of their own (sl: 9): a group needs 10 examples, and the 20 "
        "largest are scored."
    ]


def test_without_groups_the_scores_are_the_tasks_own():
    task, encoded = make_task("rte"), Dataset.from_dict({"labels": [1, 0]})
    assert scored(task, [1, 1], encoded) == task.score([1, 1], encoded)
    assert not_scored(encoded) == []


@pytest.mark.parametrize(
    ("kind", "score"),
    [
        ("classification", "matthews"),
        ("classification", "f1"),
        ("ordinal", "quadratic_kappa"),
        ("regression", "r2"),
    ],
)
def test_a_group_of_one_label_has_no_score_that_needs_several(tmp_path, kind, score):
    rows = [{"text": f"t {n}", "label": n % 2} for n in range(40)]
    task = task_from_files(_lines(tmp_path, rows), kind=kind, score=score)
    task.load(Source())
    labels = [0, 1] * 10 + [0] * 10
    encoded = Dataset.from_dict({"labels": labels, GROUP: ["x"] * 20 + ["y"] * 10})
    scores = scored(task, labels, encoded)
    assert {key for key in scores if "[" in key} == {f"{score}[x]"}


def test_only_the_largest_groups_are_scored():
    names = [f"{n:02}" for n in range(MOST + 3) for _ in range(FEWEST)]
    assert list(scored_groups(Dataset.from_dict({GROUP: names}))) == sorted(set(names))[:MOST]


def test_windows_of_one_question_are_one_example():
    owners = [n // 2 for n in range(2 * FEWEST)]
    encoded = Dataset.from_dict({"example": owners, GROUP: ["en"] * len(owners)})
    assert scored_groups(encoded) == {"en": FEWEST}
    assert scored_groups(encoded.select(range(2 * FEWEST - 2))) == {}


def test_the_thresholds_of_the_whole_split_judge_its_groups(tmp_path):
    rows = [{"text": f"t {n}", "label": ["a", "b"] if n % 3 else ["b"]} for n in range(40)]
    task = task_from_files(_lines(tmp_path, rows))
    task.learn_labels(Dataset.from_list(rows))
    labels = [[1, 1]] * 30 + [[1, 0]] * 10
    shares = [[0.9, 0.8]] * 30 + [[0.4, 0.3]] * 10
    encoded = Dataset.from_dict({"labels": labels, GROUP: ["x"] * 30 + ["y"] * 10})
    scores = scored(task, shares, encoded)
    alone = task.score(shares[30:], encoded.select(range(30, 40)))["micro_f1"]
    decided = task.decided(scores)
    assert (
        scores["micro_f1[y]"]
        == decided.score(shares[30:], encoded.select(range(30, 40)))["micro_f1"]
    )
    assert alone == 1.0
    kept = {name: v for name, v in scores.items() if name.startswith(THRESHOLD.format(""))}
    assert len(kept) == 2
    strict = scored(task, shares, encoded, dict.fromkeys(kept, 0.95))
    assert strict["micro_f1[x]"] == strict["micro_f1"] == 0.0


def test_a_group_travels_with_its_examples_and_is_none_of_them(tmp_path):
    path = _reviews(tmp_path)
    task, plain = task_from_files(path, group="language"), task_from_files(path)
    splits, without = task.load(Source(), report=True), plain.load(Source(), report=True)
    assert splits.facts.hash == without.facts.hash
    assert splits.facts.report_hash == without.facts.report_hash
    assert GROUP not in task.asked
    for split in (splits.train, splits.selection, splits.report):
        for text, group in zip(split["text"], split[GROUP], strict=True):
            assert group == ("en", "de", "none")[int(text.split()[1]) % 3]


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"group": "lang"}, UnavailableError, "has no column 'lang'"),
        ({"group": "tags"}, UnavailableError, "has a list (['x']) in column 'tags'"),
        ({"group": "language", "kind": "retrieval"}, UsageError, "group would have no effect"),
    ],
)
def test_what_is_no_group_is_refused(tmp_path, options, error, said):
    path = _reviews(tmp_path, tags=["x"])
    with pytest.raises(error) as info:
        task_from_files(path, **options).load(Source())
    assert said in str(info.value)
    assert "\n" not in str(info.value)


def test_every_window_of_a_context_is_of_its_question_group(tmp_path):
    rows = [
        {"context": f"{n} " + "the cat sat " * (1 + 30 * (n % 3)), "question": "who sat ?"}
        | {"answers": ["cat"], "language": ("en", "de")[n % 2]}
        for n in range(450)
    ]
    task = task_from_files(_lines(tmp_path, rows), group="language")
    _, _, tokenizer = tiny("bert", task)
    train = task.load(Source()).train
    encoded = task.encode(train, tokenizer, 48)
    assert len(encoded) > len(train) > task.rows_at_once
    for row in encoded:
        assert row[GROUP] == ("en", "de")[int(row["context"].split()[0]) % 2]


def test_a_row_that_is_no_example_has_no_group(tmp_path):
    rows = [
        {"sentence": n // 2, "word": f"w{n}", "tag": "B-x" if n % 2 else "O", "source": "s"}
        for n in range(80)
    ]
    with pytest.raises(UnavailableError, match="80 rows for 40 examples"):
        task_from_files(_lines(tmp_path, rows), group="source").load(Source())
