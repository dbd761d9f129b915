"""Panels of studies with latency and memory: their numbers, and none without."""

from dataclasses import replace

from example_studies import study

from autopelt.cards.front import front, members
from autopelt.cards.pairs import figures, panels
from autopelt.study.objectives import Objectives


def measured():
    """The usual study, with costs that are known sums."""
    record = study()
    trials = tuple(
        replace(
            t,
            costs={
                "latency": 1 + 0.01 * len(t.architecture.modules),
                "memory": 2.0**20 * (1 + t.number),
            },
        )
        for t in record.trials
    )
    objectives = Objectives.parse("score,params,latency,memory")
    config = record.config.model_copy(update={"objectives": objectives})
    return replace(record, trials=trials, config=config)


def test_every_pair_with_a_measured_objective_has_a_panel():
    record = measured()
    found = panels(record)
    assert [(p.x, p.y) for p in found] == [
        ("latency", "score"),
        ("memory", "score"),
        ("params", "latency"),
        ("params", "memory"),
        ("latency", "memory"),
    ]
    inside = {t.number for t in record.complete if record.feasible(t)}
    chosen = {t.number for t in record.front}
    for panel in found:
        assert {t.number for t, *_ in panel.points} == inside
        assert {t.number for t, _, _, on in panel.points if on} == chosen
    for trial, x, y, _ in found[1].points:
        assert (x, y) == (1 + trial.number, trial.score)
    for trial, x, y, _ in found[2].points:
        assert x == 100 * trial.count.share
        assert y == 1 + 0.01 * len(trial.architecture.modules)


def test_more_objectives_keep_more_on_the_front_and_the_steps_as_they_are():
    plain, more = study(), measured()
    assert {t.number for t in plain.front} < {t.number for t in more.front}
    assert front(more).steps == front(plain).steps
    table = members(more)
    assert table is not None
    assert [c.name for c in table.columns][-3:] == ["Latency", "Memory", "Architecture"]


def test_without_measured_objectives_there_is_no_panel():
    assert panels(study()) == []
    assert figures(study()) == ()
