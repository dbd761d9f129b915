import math
from dataclasses import replace

import pytest
from example_studies import LIMIT, study

from autopelt.cards.card import NothingToShow
from autopelt.cards.figure import share_ticks
from autopelt.cards.front import card, draw, front, hover, labels


def test_every_complete_trial_is_one_point_of_the_right_kind(example):
    f = front(example)
    assert len(f.points) == len(example.complete)
    assert {p.trial.label for p in f.of("outside")} == {"unipelt", "pt-unipelt", "mam"}
    assert [p.trial.number for p in f.of("front", "front seed")] == sorted(
        t.number for t in example.front
    )
    assert all(p.trial.label for p in f.of("seed", "front seed"))
    assert not any(p.trial.label for p in f.of("dominated", "front"))


def test_the_front_is_stepped_up_to_the_budget_line(example):
    f = front(example)
    xs, ys = zip(*f.steps, strict=True)
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys)
    assert xs[-1] == f.budget == pytest.approx(100 * LIMIT / 22_713_216)
    line = draw(f, "accuracy").data[0]
    assert line["line"]["shape"] == "hv"


def test_zero_parameters_stand_at_a_marked_left_edge(example):
    f = front(example)
    alone = next(p for p in f.points if p.trial.label == "head-only")
    others = [p.x for p in f.points if p is not alone]
    assert alone.x == f.zero < min(others)
    assert f.low < f.zero
    values, texts = share_ticks(f.low, f.high, f.zero)
    assert (values[0], texts[0]) == (f.zero, "0")
    assert all(v > f.zero for v in values[1:])


def test_without_a_head_only_trial_there_is_no_zero(example):
    f = front(replace(example, trials=example.trials[1:]))
    assert f.zero is None
    assert "0" not in share_ticks(f.low, f.high, f.zero)[1]


def test_points_over_the_budget_lie_right_of_the_line_and_never_on_the_front(example):
    f = front(example)
    assert all(p.x > f.budget for p in f.of("outside"))
    assert all(p.x <= f.budget for p in f.points if p.kind != "outside")
    assert f.high > max(p.x for p in f.points)


def test_hover_text_has_the_architecture_in_words(example):
    p = next(p for p in front(example).points if p.trial.label == "lora-r8")
    text = hover(p, "accuracy").replace("<br>", " ")
    assert p.trial.architecture.describe().replace(" · ", " ") in text
    assert "0.325%" in text
    assert "73,728 parameters" in text


def test_labels_name_every_seed_architecture_the_front_first(example):
    named = [label["text"] for label in labels(front(example))]
    assert named[0] == "head-only"
    assert set(named) == {t.label for t in example.complete if t.label}


def test_one_trial_alone_makes_a_figure():
    f = front(study(1))
    assert len(f.points) == 1
    assert math.isfinite(f.low)
    assert f.low < f.points[0].x < f.high
    assert "One architecture dominates" in card(study(1)).lead


def test_only_reference_points_make_a_figure_without_a_front(example):
    record = replace(example, trials=example.trials[1:3])
    assert front(record).steps == ()
    assert card(record).table is None
    assert "No complete trial is within the budget of 227,132 parameters" in card(record).lead


def test_without_a_complete_trial_there_is_nothing_to_show(example):
    with pytest.raises(NothingToShow):
        front(replace(example, trials=()))


def test_confirmed_trials_have_error_bars_of_their_own(example):
    best = example.best
    sure = replace(best, confirmed=(0.66, 0.67, 0.68))
    trials = tuple(sure if t is best else t for t in example.trials)
    figure = card(replace(example, trials=trials)).figures[0]
    trace = next(t for t in figure.data if t.get("meta") == {"kind": "confirmed"})
    assert trace["y"] == [pytest.approx(0.67)]
    assert trace["error_y"]["array"] == [pytest.approx(0.01)]
    assert trace["customdata"] == [best.number]
    assert "report split 0.670 ± 0.010 (3 random seeds)" in trace["hovertext"][0]
    assert figure.legend[-1][0] == "cross"
    table = card(replace(example, trials=trials)).table
    assert "Confirmed" in [c.name for c in table.columns]
    without = card(example)
    assert "Confirmed" not in [c.name for c in without.table.columns]
    assert not [t for t in without.figures[0].data if t.get("meta") == {"kind": "confirmed"}]
