from dataclasses import replace
from pathlib import Path

import pytest
from example_studies import failed_study, running_study, study

from autopelt.cards.card import NothingToShow
from autopelt.cards.verdict import (
    BUDGET,
    FRONT,
    SMALLEST,
    answered,
    card,
    lead,
    lines,
    sentences,
)
from autopelt.study.noise import difference_error
from autopelt.views import json_events
from autopelt.views.conclusion import conclusion


def with_scores(record, **scores):
    """The study with the scores of some trials, given as t12=0.7, replaced."""
    return replace(
        record,
        trials=tuple(
            replace(t, score=scores[f"t{t.number}"]) if f"t{t.number}" in scores else t
            for t in record.trials
        ),
    )


def test_best_and_seed_are_within_the_budget_even_if_a_reference_point_is_better():
    """A reference point over the budget is named as such and wins nothing."""
    record = with_scores(study(), t1=0.95)
    a = answered(record)
    assert a.found.number == record.best.number != 1
    assert a.hand.label == record.best_seed.label != "unipelt"
    assert a.reference.label == "unipelt"
    assert "Outside the budget, unipelt reaches 0.950" in card(record).note


def test_a_gain_of_less_than_its_error_is_within_the_noise():
    record = with_scores(study(), t25=0.70)
    a = answered(record)
    assert a.gain.mean == pytest.approx(0.70 - record.best_seed.score)
    assert a.gain.error == pytest.approx(difference_error(record, 0.70, record.best_seed.score))
    said = dict(sentences(record))
    assert (
        "and the best made by hand, pt-unipelt~, are within the noise of each other: 0.700 "
        in (said[BUDGET])
    )
    # The lead says what there is to gain instead: fewer parameters.
    assert card(record).lead == said[SMALLEST]


def test_a_gain_far_beyond_the_noise_is_stated_plainly():
    record = with_scores(study(), t25=0.9)
    words = "is surely better than the best made by hand, pt-unipelt~: 0.900 against 0.682"
    assert card(record).lead.endswith(f"{words}.")
    said = dict(sentences(record))[BUDGET]
    assert f"{words} (+0.218, 95% interval +0.1" in said
    assert "1 training each" in said
    # Beside the lead it says only what the lead does not.
    beside = lines(record)[1]
    assert beside.startswith(f"{BUDGET}: +0.218, 95% interval +0.1")
    assert beside.endswith("; 1 training each.")


def test_a_likely_gain_is_called_likely():
    assert (
        "is likely better than the best made by hand" in card(with_scores(study(), t25=0.73)).lead
    )


def test_the_smallest_that_is_as_good_is_held_against_the_smallest_by_hand():
    record = with_scores(study(), t25=0.70)
    a = answered(record)
    small = a.smallest[0]
    assert small.hand.label
    if small.trial is not small.hand:
        ratio = small.trial.count.deployed / small.hand.count.deployed
        assert (
            f"{ratio:.0%} of the smallest made by hand that is, {small.hand.label}"
            in (dict(sentences(record))[SMALLEST])
        )


def test_a_study_won_by_a_seed_architecture_says_what_to_take():
    record = with_scores(study(), t4=0.95)
    said = dict(sentences(record))
    assert said[BUDGET].startswith("adapter-pfeiffer, made by hand, is surely better than ")
    seeds = [t for t in record.trials if t.label]
    large = replace(record.trials[25], count=record.best_seed.count, score=0.6)
    record = replace(record, trials=(*seeds, large))
    others = answered(record).tried - 1
    assert card(record).lead == (
        f"Take adapter-pfeiffer: {others} others, trained under the same conditions, are not "
        "better."
    )


def test_before_the_first_proposal_the_search_is_not_blamed():
    record = running_study()
    assert card(record).lead == (
        "The best made by hand, pt-unipelt~, reaches 0.682; the search itself has not finished a "
        "proposal yet."
    )
    assert [what for what, _ in sentences(record)] == [BUDGET]


def test_the_front_says_how_many_were_found_and_where_it_gains():
    record = study()
    a, said = answered(record), dict(sentences(record))[FRONT]
    assert said.startswith(
        f"Of {a.front.members} architectures that nothing smaller beats, {a.front.found} were"
    )
    assert a.front.found == sum(not t.label for t in record.front)


def test_the_sentences_are_the_same_in_status_events_and_terminal():
    record = study()
    told = dict(sentences(record))
    done = json_events.KINDS["done"]
    assert "answer" in done
    text = conclusion(record, Path("reports/x"))
    assert text.startswith(lead(record))
    assert all(sentence in text for sentence in told.values())


def test_the_card_says_one_random_seed_and_selection_split():
    note = card(study()).note
    assert "one random seed" in note
    assert "selection split" in note


def test_without_a_seed_architecture_there_is_no_gain():
    record = study()
    record = replace(record, trials=tuple(replace(t, label="") for t in record.trials))
    a = answered(record)
    assert (a.hand, a.gain) == (None, None)
    assert "nothing made by hand within the budget is complete" in card(record).lead


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (failed_study(), "out of memory"),
        (replace(study(), trials=()), "No trial has started yet"),
        (replace(running_study(), trials=running_study().trials[10:]), "2 trials running"),
        (
            replace(study(), trials=study().trials[1:3]),
            "2 trials over the budget are for reference",
        ),
    ],
)
def test_without_a_result_the_card_says_why(record, words):
    with pytest.raises(NothingToShow, match=words):
        answered(record)
