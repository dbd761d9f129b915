"""Expected improvement of the front: closed form against Monte Carlo and against the definition."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from autopelt.pareto import hypervolume
from autopelt.search.acquisition import Staircase, expected_hypervolume_improvement
from autopelt.search.surrogate import Belief

LIMIT, FLOOR = 100_000, 0.5
fronts = st.lists(st.tuples(st.integers(1, 150_000), st.floats(0.4, 0.9)), max_size=8)


@given(
    points=fronts,
    parameters=st.integers(1, LIMIT),
    location=st.floats(0.5, 4),
    spread=st.floats(0.01, 0.5),
)
@settings(max_examples=60, deadline=None)
def test_closed_form_is_monte_carlo(
    points: list[tuple[int, float]], parameters: int, location: float, spread: float
) -> None:
    belief = Belief(np.array([location]), np.array([spread]), 1.0)
    stairs = Staircase.of(points, LIMIT, FLOOR)
    found = expected_hypervolume_improvement(belief.improvement, [parameters], stairs)[0]
    before = hypervolume(points, LIMIT, FLOOR)
    z = norm.ppf((np.arange(1000) + 0.5) / 1000)
    scores = 1.0 - np.exp(-(location + spread * z))
    gains = [
        hypervolume([*points, (parameters, score)], LIMIT, FLOOR) - before
        for score in scores.tolist()
    ]
    assert found == pytest.approx(np.mean(gains), abs=1e-2)


@given(points=fronts, parameters=st.integers(1, LIMIT), score=st.floats(0.3, 0.95))
@settings(deadline=None)
def test_a_certain_score_gains_the_hypervolume_it_adds(
    points: list[tuple[int, float]], parameters: int, score: float
) -> None:
    belief = Belief(np.array([-math.log(1 - score)]), np.array([1e-9]), 1.0)
    stairs = Staircase.of(points, LIMIT, FLOOR)
    found = expected_hypervolume_improvement(belief.improvement, [parameters], stairs)[0]
    added = hypervolume([*points, (parameters, score)], LIMIT, FLOOR)
    assert found == pytest.approx(added - hypervolume(points, LIMIT, FLOOR), abs=1e-6)


def test_an_empty_front_asks_for_the_floor() -> None:
    stairs = Staircase.of([(200_000, 0.9)], LIMIT, FLOOR)
    assert stairs.height.tolist() == [FLOOR]
