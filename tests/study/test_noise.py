"""How far equal architectures lie apart by chance: by the examples, by the random seeds."""

import math
from dataclasses import replace

import pytest
from small_record import STUDY

from autopelt.study.confirmation import FOUND, Confirmation
from autopelt.study.ledger import Training
from autopelt.study.noise import difference_error, score_error, seed_spread


def confirmation(*scores: float) -> Confirmation:
    trainings = tuple(Training(seed, score, selection=score) for seed, score in enumerate(scores))
    return Confirmation(0, FOUND, None, trainings)


def test_a_share_of_examples_has_the_binomial_error() -> None:
    assert score_error(STUDY, 0.7) == pytest.approx(math.sqrt(0.7 * 0.3 / 200))


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_all_right_or_wrong_is_not_without_error(score: float) -> None:
    error = score_error(STUDY, score)
    assert error is not None
    assert 0 < error < 1 / 200


def test_other_scores_have_no_error_by_examples() -> None:
    assert score_error(replace(STUDY, metric="pearson"), 0.7) is None
    assert score_error(STUDY, 1.5) is None


def test_the_spread_over_seeds_is_the_median_of_what_was_confirmed() -> None:
    assert seed_spread(STUDY) is None
    steady, wild = confirmation(0.70, 0.71), confirmation(0.5, 0.9)
    middle = confirmation(0.70, 0.74)
    spread = seed_spread(replace(STUDY, confirmed=(wild, steady, middle)))
    assert spread == middle.spread
    assert seed_spread(replace(STUDY, confirmed=(confirmation(0.7),))) is None


def test_the_error_of_a_difference_is_symmetric_and_grows_with_the_spread() -> None:
    by_examples = difference_error(STUDY, 0.7, 0.8)
    assert by_examples == pytest.approx(
        math.hypot(*(score_error(STUDY, s) or 0 for s in (0.7, 0.8)))
    )
    assert by_examples == difference_error(STUDY, 0.8, 0.7)
    both = difference_error(replace(STUDY, confirmed=(confirmation(0.7, 0.75),)), 0.7, 0.8)
    assert both is not None
    assert by_examples is not None
    assert both > by_examples
    assert difference_error(replace(STUDY, metric="pearson"), 0.7, 0.8) is None
