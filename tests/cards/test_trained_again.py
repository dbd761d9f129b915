"""Before a confirmation the card shows what the search itself trained again."""

from dataclasses import replace
from statistics import stdev

import pytest
from example_studies import running_study
from small_record import AGAIN, STUDY

from autopelt.cards import confirmation
from autopelt.cards.card import NothingToShow
from autopelt.cards.trained_again import again, card


def test_only_what_was_trained_more_than_once_is_shown_with_its_scores() -> None:
    assert [(t.number, scores) for t, scores in again(AGAIN)] == [(1, [0.8, 0.74, 0.77])]
    made = card(AGAIN)
    assert made.lead.startswith("1 architecture was trained again during the search, 3 trainings ")
    assert made.table is not None
    (row,) = made.table.rows
    cells = dict(zip((c.name for c in made.table.columns), row.cells, strict=True))
    assert cells["Mean"].text == "0.770"
    assert cells["Spread"].sort == stdev([0.8, 0.74, 0.77])
    assert cells["Observed"].text == "0.740 to 0.800"
    (trace,) = made.figures[0].data
    assert list(trace["y"]) == [pytest.approx(0.77)]


def test_the_card_of_confirmations_is_this_one_until_there_is_one() -> None:
    assert confirmation.card(AGAIN).lead == card(AGAIN).lead


def test_without_trainings_again_the_card_says_what_to_do() -> None:
    for record in (STUDY, running_study(), replace(STUDY, trials=())):
        with pytest.raises(NothingToShow, match="autopelt confirm STUDY trains the best again"):
            card(record)
