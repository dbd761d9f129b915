"""Each figure of the report alone: the page's colours and legend, without the page."""

import inspect
import re
from importlib import resources

import pytest

from autopelt.api.plots import Plots
from autopelt.cards.card import make_card
from autopelt.errors import InfeasibleError, UsageError
from autopelt.report.figures import figure
from autopelt.report.page import KINDS, make_cards, tidy


def drawn(record):
    return {card.key: card.figures for card in make_cards(tidy(record)) if card.figures}


def test_every_figure_of_the_page_is_there_with_its_colours_and_legend(example):
    for card, figures in drawn(example).items():
        for shown in figures:
            alone = figure(example, card, shown.key)
            assert "var(--" not in alone.to_json()
            named = [t.name for t in alone.data if t.showlegend]
            assert named == [words for _, _, words in shown.legend]
            assert len(alone.data) == len(shown.data) + len(named)
            assert alone.layout.title.text.startswith(make_card_title(card))


def make_card_title(key):
    return next(k.title for k in KINDS if k.key == key)


def test_the_dark_look_has_the_pages_dark_colours(example):
    sheet = (resources.files("autopelt.report") / "page.css").read_text("utf-8")
    for look in (0, 1):
        drawn = figure(example, "front", dark=bool(look))
        for name in ("surface", "blue", "orange", "ink"):
            colours = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\);", sheet).groups()
            assert colours[look] in drawn.to_json()
            assert colours[1 - look] not in drawn.to_json()


def test_a_study_has_a_method_for_each_card_that_draws(example):
    """Also for the card on the confirmation, which draws once there is one."""
    cards = {*drawn(example), "confirmed"}
    methods = {n.removeprefix("plot_"): m for n, m in vars(Plots).items() if n.startswith("plot_")}
    assert set(methods) == cards
    for key in cards:
        assert f"plot_{key}" in Plots.__doc__
        assert key in Plots.plot.__doc__
        assert methods[key].__doc__
        called = re.search(r'self\.plot\("(\w+)"', inspect.getsource(methods[key]))
        assert called[1] == key


@pytest.mark.parametrize(
    ("card", "which", "told"),
    [
        ("fornt", "", r"no card 'fornt': did you mean 'front'"),
        ("progress", "tiem", r"no figure 'tiem' on card 'progress': did you mean 'time'"),
    ],
)
def test_a_wrong_name_is_told_with_what_there_is(example, card, which, told):
    with pytest.raises(UsageError, match=told):
        figure(example, card, which)


def test_what_cannot_be_drawn_yet_says_why(example):
    with pytest.raises(InfeasibleError, match="Nothing is confirmed yet"):
        figure(example, "confirmed")
    with pytest.raises(InfeasibleError, match="has no figure"):
        figure(example, "protocol")


def test_a_figure_is_what_its_card_draws(example):
    shown = next(k for k in KINDS if k.key == "surrogate")
    page = make_card(shown, tidy(example)).figures[0]
    assert list(figure(example, "surrogate").data[0].x) == list(page.data[0]["x"])
