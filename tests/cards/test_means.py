"""The figure of means: a mark for each kind, bars, and a place for what has no module."""

from dataclasses import replace

from small_record import STUDY

from autopelt.cards.means import Mean, draw


def test_each_kind_has_its_mark_and_each_mean_its_bar() -> None:
    found = Mean(STUDY.trials[1], False, 0.8, 0.02, "0.800 ± 0.020")
    by_hand = Mean(STUDY.trials[0], True, 0.7, 0.0, "0.700")
    figure = draw("means", [by_hand, found], "accuracy", "accuracy", [0.7, 0.82], "words")
    circle, diamond = figure.data
    assert (circle["marker"]["symbol"], diamond["marker"]["symbol"]) == ("circle", "diamond")
    assert list(circle["y"]) == [0.8]
    assert list(circle["error_y"]["array"]) == [0.02]
    assert list(diamond["customdata"]) == [0]
    assert "0.800 ± 0.020" in circle["hovertext"][0]


def test_what_has_no_module_stands_left_of_the_others() -> None:
    count = replace(STUDY.trials[1].count, deployed=0)
    alone = Mean(replace(STUDY.trials[1], count=count), False, 0.5, 0.0, "0.500")
    other = Mean(STUDY.trials[0], True, 0.7, 0.0, "0.700")
    head, seed = draw("means", [alone, other], "", "accuracy", [0.5, 0.7], "words").data
    assert 0 < head["x"][0] < seed["x"][0]
