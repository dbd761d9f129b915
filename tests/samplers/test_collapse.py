"""Collapsed trainings: an event of its own, likelier near where it happened."""

import numpy as np
import pytest

from autopelt.samplers.collapse import Collapse


def example(collapsed: list[int], rates: list[float]) -> Collapse:
    n = len(rates)
    flags = np.zeros(n, dtype=bool)
    flags[collapsed] = True
    scores = np.where(flags, 0.1, 0.8)
    return Collapse(np.zeros((n, 2)), 1, np.array(rates), flags, scores)


def test_without_any_it_is_rare_everywhere() -> None:
    chance = example([], [0.0] * 60).chance(np.zeros((2, 2)), np.array([0.0, 3.0]))
    assert (chance < 0.02).all()


def test_it_is_likelier_at_the_rates_where_it_happened() -> None:
    rates = [0.0] * 30 + [3.0] * 6
    found = example([30, 31, 32], rates)
    low, high = found.chance(np.zeros((2, 2)), np.array([0.0, 3.0]))
    assert low < 0.05
    assert 0.2 < high < 0.5
    far = found.chance(np.full((1, 2), 5.0), np.array([3.0]))[0]
    assert far == pytest.approx((1 + 3) / (20 + 36), abs=0.01)


def test_expected_scores_count_what_is_lost() -> None:
    found = example([0], [0.0] * 10)
    assert found.fallen == pytest.approx(0.1)
    assert found.expected(np.array([0.8, 0.05]), np.array([0.25, 0.5])) == pytest.approx(
        [0.75 * 0.8 + 0.25 * 0.1, 0.05]
    )
