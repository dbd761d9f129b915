"""Every word of a legend is explained on the page, and no other word is."""

from dataclasses import replace

from example_studies import failed_study, running_study, study

from autopelt.cards.front import LOOKS
from autopelt.cards.meanings import MEANINGS
from autopelt.cards.wording import STATE_WORDS
from autopelt.report.page import kinds, make_cards


def test_every_word_of_a_legend_is_explained():
    against = kinds((replace(study(), name="other"),))
    words = {
        entry[2]
        for record in (study(), failed_study(), running_study())
        for card in make_cards(record, against)
        for figure in card.figures
        for entry in figure.legend
    }
    assert len(words) > 8
    assert words - set(MEANINGS) == {"other"}  # a study's name
    assert {look.words for look in LOOKS.values()} | set(STATE_WORDS.values()) <= set(MEANINGS)
