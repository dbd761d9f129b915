from dataclasses import replace

import pytest

from autopelt.cards import importance
from autopelt.cards.card import NothingToShow
from autopelt.cards.look import method_colour, method_look
from autopelt.study.record import Importance


def test_views_come_in_order_and_layers_from_the_input_up(example):
    views = importance.importance(example)
    assert list(views) == ["method", "choice", "layer"]
    assert [i.name for i in views["layer"]] == ["embeddings", "0", "1", "2", "3", "4", "5"]
    explains = [i.explains for i in views["method"]]
    assert explains == sorted(explains, reverse=True)


def test_the_card_has_a_figure_a_view_and_all_numbers(example):
    card = importance.card(example)
    assert [f.heading for f in card.figures] == list(importance.HEADINGS.values())
    assert len(card.table.rows) == len(example.importance)
    assert card.lead.startswith("Scores depend most on how much sequential adapter there is (")
    bars = card.figures[0].data[0]
    assert bars["x"][-1] == max(bars["x"])
    assert bars["marker"]["color"][-1] == method_colour("sequential_adapter")
    assert "sequential adapter" in card.figures[0].words


def test_what_explains_no_more_than_a_random_number_is_grey_and_not_in_the_lead(example):
    weak = tuple(replace(i, explains=0.05, chance=0.06) for i in example.importance)
    card = importance.card(replace(example, importance=weak))
    assert set(card.figures[0].data[0]["marker"]["color"]) == {"var(--faint)"}
    assert "no more than a random number" in card.figures[0].data[0]["hovertext"][0]
    assert card.lead.startswith("No choice explains the scores better")


def test_directions_are_told_in_words():
    part = Importance("choice", "size", 0.4, 0.3, 0.5, 0.1)
    assert importance.tendency(part) == "more is better"
    assert importance.tendency(replace(part, trend=-0.5)) == "less is better"
    assert importance.tendency(replace(part, trend=0.1)) == "no clear direction"
    assert importance.tendency(replace(part, trend=None)) == "no order"


def test_why_there_is_nothing_to_show_is_told(example):
    with pytest.raises(NothingToShow, match="when the search ends"):
        importance.importance(replace(example, importance=None))
    with pytest.raises(NothingToShow, match="15 are needed"):
        importance.importance(replace(example, importance=()))


def test_a_list_of_colours_stands_beside_no_hatching(example):
    """Plotly warns of it on the console of a browser."""
    methods = ("lora", "ia3", "dora", "sequential_adapter", "hira")
    parts = [Importance("method", name, 0.2, 0.1, 0.0, 0.01) for name in methods]
    figure = importance.draw("method", parts).plot
    hatched = [bar for bar in figure.data if bar["marker"]["pattern"]["shape"]]
    assert sum(len(bar["x"]) for bar in figure.data) == len(methods)
    assert {bar["y"][0] for bar in hatched} == {
        place for place, name in enumerate(methods[::-1]) if method_look(name)[1]
    }
    assert hatched
    assert all(isinstance(bar["marker"]["color"], str) for bar in hatched)
