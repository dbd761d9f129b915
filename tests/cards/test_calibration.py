from dataclasses import replace

import pytest
from scipy.stats import spearmanr

from autopelt.cards.calibration import calibration, card, spearman
from autopelt.cards.card import NothingToShow


def believed(record, error, sd):
    """The study with predictions that are off by `error`, alternating in sign."""
    return replace(
        record,
        trials=tuple(
            t
            if t.score is None or t.number < 12
            else replace(t, believed={"mean": t.score + error * (-1) ** t.number, "sd": sd})
            for t in record.trials
        ),
    )


def test_error_and_coverage_are_those_of_the_predictions(example):
    c = calibration(believed(example, 0.01, 0.02))
    assert c.error == pytest.approx(0.01)
    assert (c.inside80, c.inside95) == (1.0, 1.0)
    c = calibration(believed(example, 0.03, 0.02))
    assert (c.inside80, c.inside95) == (0.0, 1.0)


def test_the_naive_guess_is_the_mean_of_the_trials_before(example):
    first = calibration(believed(example, 0.01, 0.02)).predictions[0]
    before = [t.score for t in example.complete if t.number < first.trial.number]
    assert first.naive == pytest.approx(sum(before) / len(before))


def test_a_surrogate_worse_than_the_mean_is_called_so(example):
    record = believed(example, 0.2, 0.01)
    assert calibration(record).useless
    assert "no better than guessing" in card(record).lead


def test_overconfidence_is_told(example):
    assert "surer of itself" in card(believed(example, 0.01, 0.001)).lead


@pytest.mark.parametrize(
    ("a", "b"), [([1, 2, 3, 4], [1, 3, 2, 4]), ([1, 1, 2, 5], [4, 3, 3, 1]), ([3, 1, 2], [3, 1, 2])]
)
def test_rank_correlation_equals_scipys(a, b):
    assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)


def test_rank_correlation_of_a_constant_is_undefined():
    assert spearman([1, 1, 1], [1, 2, 3]) is None


def test_a_study_without_predictions_says_so(example):
    record = replace(example, trials=tuple(replace(t, believed={}) for t in example.trials))
    with pytest.raises(NothingToShow, match="0 predictions that can"):
        calibration(record)
