"""Expected improvement of the front: closed form against Monte Carlo and against the definition."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopelt.pareto import hypervolume
from autopelt.search.acquisition import (
    Staircase,
    expected_hypervolume_improvement,
    expected_improvement,
)

LIMIT, FLOOR = 100_000, 0.5
fronts = st.lists(st.tuples(st.integers(1, 150_000), st.floats(0.4, 0.9)), max_size=8)


@given(
    points=fronts,
    parameters=st.integers(1, LIMIT),
    mean=st.floats(0.3, 1.0),
    deviation=st.floats(0.01, 0.2),
    random_seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_closed_form_is_monte_carlo(
    points: list[tuple[int, float]],
    parameters: int,
    mean: float,
    deviation: float,
    random_seed: int,
) -> None:
    stairs = Staircase.of(points, LIMIT, FLOOR)
    found = expected_hypervolume_improvement(
        np.array([mean]), np.array([deviation]), np.array([parameters]), stairs
    )[0]
    before = hypervolume(points, LIMIT, FLOOR)
    z = np.random.default_rng(random_seed).normal(size=1000)
    z = (np.concatenate([z, -z]) - 0) / np.sqrt(np.mean(z**2))  # first two moments exact
    gains = [
        hypervolume([*points, (parameters, mean + deviation * float(v))], LIMIT, FLOOR) - before
        for v in z
    ]
    assert found == pytest.approx(np.mean(gains), abs=1e-2)


@given(points=fronts, parameters=st.integers(1, LIMIT), score=st.floats(0.3, 1.0))
@settings(deadline=None)
def test_a_certain_score_gains_the_hypervolume_it_adds(
    points: list[tuple[int, float]], parameters: int, score: float
) -> None:
    stairs = Staircase.of(points, LIMIT, FLOOR)
    found = expected_hypervolume_improvement(
        np.array([score]), np.array([1e-9]), np.array([parameters]), stairs
    )[0]
    added = hypervolume([*points, (parameters, score)], LIMIT, FLOOR)
    assert found == pytest.approx(added - hypervolume(points, LIMIT, FLOOR), abs=1e-6)


def test_expected_improvement_stays_positive_and_ordered_far_below() -> None:
    means = np.linspace(-30, 3, 400)
    values = expected_improvement(means, np.ones(400), 0.0)
    assert (np.diff(values) >= 0).all()
    assert (np.diff(values[means > -20]) > 0).all()
    assert (values[means > -20] > 0).all()
    assert values[-1] == pytest.approx(3.0, abs=1e-3)
    exact = math.exp(-0.5) / math.sqrt(2 * math.pi) - 0.15865525393145707
    assert expected_improvement(np.array([-1.0]), np.array([1.0]), 0.0)[0] == pytest.approx(exact)


def test_an_empty_front_asks_for_the_floor() -> None:
    stairs = Staircase.of([(200_000, 0.9)], LIMIT, FLOOR)
    assert stairs.height.tolist() == [FLOOR]
