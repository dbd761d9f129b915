"""Where a partial curve may end, learned from curves that were as far."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from autopelt.samplers.curves import FinalScore, extrapolate

RISING = [(0.5 + d, 0.6 + d, 0.7 + d) for d in np.linspace(0, 0.1, 6)]
PLATEAU = [(0.5, 0.95, 0.96)] * 4 + [(0.5, 0.5, 0.52)] * 4


def test_a_curve_ends_where_curves_like_it_ended() -> None:
    ahead = extrapolate((0.55, 0.64), RISING)
    assert ahead is not None
    assert ahead.mean == pytest.approx(0.74)
    assert ahead.support > 2


def test_the_best_epoch_counts_not_the_last() -> None:
    """A curve that has fallen since keeps its best score, and gains are never negative."""
    falling = [(0.7, 0.6, 0.5), (0.72, 0.6, 0.71), (0.71, 0.7, 0.6)]
    ahead = extrapolate((0.71, 0.5), falling)
    assert ahead is not None
    assert (ahead.scores == 0.71).all()


def test_curves_as_low_count_before_those_that_were_high() -> None:
    """Low ones gained 0.3 to the end, high ones nothing."""
    complete = [(0.3, 0.6), (0.31, 0.61), (0.29, 0.59), (0.8, 0.8), (0.81, 0.81), (0.79, 0.79)]
    low, high = extrapolate((0.3,), complete), extrapolate((0.8,), complete)
    assert low is not None
    assert high is not None
    assert low.mean == pytest.approx(0.6, abs=0.02)
    assert high.mean == pytest.approx(0.8, abs=0.02)
    assert low.support == pytest.approx(3, abs=0.2)


def test_a_plateau_keeps_both_ends_in_view() -> None:
    ahead = extrapolate((0.5,), PLATEAU)
    assert ahead is not None
    assert ahead.probability(0.9, mean=0.7, deviation=0.3) > 0.2
    assert ahead.variance > 0.03


def test_a_curve_unlike_all_others_has_no_support_but_still_a_mean() -> None:
    ahead = extrapolate((0.1,), RISING)
    assert ahead is not None
    assert ahead.support < 0.01
    assert ahead.mean == pytest.approx(0.3)
    assert ahead.variance > 0


def test_too_few_or_too_short_curves_say_nothing() -> None:
    assert extrapolate((0.5,), RISING[:1]) is None
    assert extrapolate((0.5, 0.6, 0.7), RISING) is None
    assert extrapolate((math.nan,), RISING) is None


def test_the_chance_is_that_of_the_product_of_both_beliefs() -> None:
    """One normal of the mixture at 0.6, width 0.1, and a belief of 0.8, 0.1: 0.7, 0.0707."""
    one = FinalScore(np.array([0.6]), np.array([1.0]), 0.1, 1.0)
    expected = 1 - norm.cdf(0.75, 0.7, math.sqrt(0.005))
    assert one.probability(0.75, 0.8, 0.1) == pytest.approx(expected)
    grid = np.linspace(-1, 2, 60_001)
    two = FinalScore(np.array([0.5, 0.9]), np.array([3.0, 1.0]), 0.05, 4.0)
    density = (3 * norm.pdf(grid, 0.5, 0.05) + norm.pdf(grid, 0.9, 0.05)) * norm.pdf(grid, 0.7, 0.2)
    numeric = density[grid > 0.8].sum() / density.sum()
    assert two.probability(0.8, 0.7, 0.2) == pytest.approx(numeric, abs=1e-3)


def test_a_belief_from_far_away_is_survived() -> None:
    ahead = extrapolate((0.55,), RISING)
    assert ahead is not None
    assert 0 <= ahead.probability(0.9, mean=1e6, deviation=1e-6) <= 1
