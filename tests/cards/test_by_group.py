from dataclasses import replace

from autopelt.cards import health
from autopelt.cards.by_group import by_group, groups, lower_groups, numbers


def scored(record, metric="accuracy", **scores):
    """The study with (examples, score) of each group, on its best trial."""
    record = replace(record, metric=metric)
    best = record.best.number
    metrics = {metric: 0.8} | {f"{metric}[{name}]": s for name, (_, s) in scores.items()}
    trials = tuple(replace(t, metrics=metrics) if t.number == best else t for t in record.trials)
    sizes = {name: n for name, (n, _) in scores.items()}
    return replace(record, trials=trials, task=record.task.model_copy(update={"groups": sizes}))


def test_a_group_that_is_surely_worse_is_a_warning(example):
    study = scored(example, en=(200, 0.9), de=(100, 0.88), sl=(60, 0.55))
    assert [(group.name, round(rest, 3)) for group, rest in lower_groups(study)] == [("sl", 0.893)]
    found = by_group(study)
    assert found.level == "warning"
    assert "sl 0.55" in found.words
    assert "60 examples" in found.words
    assert found in health.findings(study)


def test_a_difference_within_chance_is_none(example):
    found = by_group(scored(example, en=(200, 0.9), sl=(20, 0.85)))
    assert found.level == "good"
    assert "0.85" in found.words


def test_many_groups_need_a_larger_difference(example):
    two = {"a": (100, 0.8), "b": (100, 0.67)}
    assert not lower_groups(scored(example, **two, **{f"g{n}": (100, 0.8) for n in range(18)}))
    assert lower_groups(scored(example, a=(1800, 0.8), b=(100, 0.67)))


def test_of_a_score_that_is_no_share_chance_is_not_known(example):
    found = by_group(scored(example, "macro_f1", en=(200, 0.9), sl=(60, 0.5)))
    assert found.level == "note"
    assert "not known" in found.words


def test_the_health_card_has_a_row_for_each_group(example):
    study = scored(example, en=(200, 0.9), sl=(60, 0.5))
    rows = health.card(study).table.rows
    assert [[c.text for c in row.cells[:2]] for row in rows] == [["en", "200"], ["sl", "60"]]
    assert [row.cells[2].sort for row in rows] == [0.9, 0.5]


def test_a_study_without_groups_says_nothing(example):
    assert groups(example) == []
    assert by_group(example) is None
    assert numbers(example) is None
    assert health.card(example).table is None


def test_groups_of_a_score_of_which_less_is_better_are_found(example):
    metrics = {"loss": 2.0, "loss[en]": 1.5, "loss[sl]": 2.5}
    task = example.task.model_copy(update={"groups": {"en": 30, "sl": 20}})
    trials = tuple(replace(t, metrics=metrics) for t in example.trials)
    record = replace(example, metric="negative loss", task=task, trials=trials)
    assert [(g.name, g.score) for g in groups(record)] == [("en", 1.5), ("sl", 2.5)]
