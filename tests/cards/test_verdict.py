from dataclasses import replace

import pytest
from example_studies import failed_study, running_study, study

from autopelt.cards.card import NothingToShow
from autopelt.cards.noise import difference_error, score_error
from autopelt.cards.verdict import card, verdict
from autopelt.study.facts import TaskFacts


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
    v = verdict(record)
    assert v.best.number == record.best.number != 1
    assert v.seed.label == record.best_seed.label != "unipelt"
    assert v.reference.label == "unipelt"
    assert "Outside the budget, unipelt reaches 0.950" in card(record).note


def test_a_gain_within_two_standard_errors_is_called_chance():
    record = with_scores(study(), t25=0.72)
    v = verdict(record)
    assert v.gain == pytest.approx(0.72 - record.best_seed.score)
    assert v.within_noise
    assert card(record).lead.endswith("but a gap of this size can be chance.")


def test_a_gain_far_beyond_the_noise_is_stated_plainly():
    record = with_scores(study(), t25=0.9)
    assert not verdict(record).within_noise
    assert "chance" not in card(record).lead
    assert "scores 0.218 above the best seed architecture, pt-unipelt~" in card(record).lead


@pytest.mark.parametrize(
    ("times", "words"), [(0.5, "50% fewer"), (1.0, "as many"), (1.02, "2% more")]
)
def test_a_gain_that_is_not_seen_in_the_figures_is_none(times, words):
    """``0.000 above`` would be no news; how many parameters it takes is."""
    record = with_scores(study(), t25=study().best_seed.score + 0.0003)
    count = replace(record.best_seed.count, deployed=int(record.best_seed.count.deployed * times))
    record = replace(
        record,
        trials=tuple(replace(t, count=count) if t.number == 25 else t for t in record.trials),
    )
    lead = card(record).lead
    assert lead.endswith(f"the best seed architecture, pt-unipelt~, with {words} parameters.")


def test_a_study_won_by_a_seed_architecture_says_so():
    lead = card(with_scores(study(), t4=0.93)).lead
    assert lead.startswith("Nothing the search proposed beats the best seed architecture")
    assert "adapter-pfeiffer" in lead


def test_before_the_first_proposal_the_search_is_not_blamed():
    lead = card(running_study()).lead
    assert lead.startswith("The best seed architecture, pt-unipelt~, reaches 0.682")
    assert "has not finished a proposal yet" in lead


def test_the_card_says_one_random_seed_and_selection_split():
    note = card(study()).note
    assert "one random seed" in note
    assert "selection split" in note


def test_without_a_seed_architecture_there_is_no_gain():
    record = study()
    record = replace(record, trials=tuple(replace(t, label="") for t in record.trials))
    v = verdict(record)
    assert (v.seed, v.gain, v.error) == (None, None, None)
    assert "no seed architecture" in card(record).lead


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
        verdict(record)


def test_the_error_of_an_accuracy_follows_from_the_number_of_examples():
    record = study()
    assert score_error(record, 0.5) == pytest.approx((0.25 / 277) ** 0.5)
    assert difference_error(record, 0.5, 0.5) == pytest.approx((2 * 0.25 / 277) ** 0.5)
    assert score_error(record, 1.0) > 0
    assert score_error(replace(record, metric="f1"), 0.5) is None
    assert score_error(replace(record, task=TaskFacts()), 0.5) is None
