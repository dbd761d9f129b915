"""Expected improvement of the front: closed form against Monte Carlo and against the definition."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from autopelt.samplers.acquisition import BoxDecomposition, decades
from autopelt.samplers.ceiling import ScorePosterior
from autopelt.statistics.pareto import hypervolume

LIMIT, FLOOR = 100_000, 0.5


def boxes_of(points: list[tuple[int, float]]) -> BoxDecomposition:
    """Of (parameters, score) under the budget."""
    costs = decades([p for p, _ in points]).reshape(-1, 1)
    scores = np.array([s for _, s in points])
    return BoxDecomposition.of(costs, scores, np.array([math.log10(LIMIT)]), FLOOR)


def improvement(
    posterior: ScorePosterior, points: list[tuple[int, float]], parameters: int
) -> float:
    """Expected, of the front of `points`, by a candidate with so many parameters."""
    boxes, costs = boxes_of(points), decades([[parameters]])
    return float(boxes.expected_improvement(posterior.expected_improvement, costs)[0])


fronts = st.lists(st.tuples(st.integers(1, 150_000), st.floats(0.4, 0.9)), max_size=8)


@given(
    points=fronts,
    parameters=st.integers(1, LIMIT),
    location=st.floats(0.5, 4),
    spread=st.floats(0.01, 0.5),
)
@settings(max_examples=60)
def test_closed_form_is_monte_carlo(
    points: list[tuple[int, float]], parameters: int, location: float, spread: float
) -> None:
    posterior = ScorePosterior(np.array([location]), np.array([spread]), 1.0)
    found = improvement(posterior, points, parameters)
    before = hypervolume(points, LIMIT, FLOOR)
    z = norm.ppf((np.arange(1000) + 0.5) / 1000)
    scores = 1.0 - np.exp(-(location + spread * z))
    gains = [
        hypervolume([*points, (parameters, score)], LIMIT, FLOOR) - before
        for score in scores.tolist()
    ]
    assert found == pytest.approx(np.mean(gains), abs=1e-2)


@given(points=fronts, parameters=st.integers(1, LIMIT), score=st.floats(0.3, 0.95))
def test_a_certain_score_gains_the_hypervolume_it_adds(
    points: list[tuple[int, float]], parameters: int, score: float
) -> None:
    posterior = ScorePosterior(np.array([-math.log(1 - score)]), np.array([1e-9]), 1.0)
    found = improvement(posterior, points, parameters)
    added = hypervolume([*points, (parameters, score)], LIMIT, FLOOR)
    assert found == pytest.approx(added - hypervolume(points, LIMIT, FLOOR), abs=1e-6)


def test_an_empty_front_asks_for_the_floor() -> None:
    assert boxes_of([(200_000, 0.9)]).scores.tolist() == [FLOOR]


@pytest.mark.parametrize("costs", [2, 3])
def test_a_certain_score_gains_what_botorch_counts(costs: int) -> None:
    import torch
    from botorch.utils.multi_objective.hypervolume import Hypervolume

    from autopelt.statistics.pareto import front_of

    rng = np.random.default_rng(costs)
    reference = np.ones(costs)
    for _ in range(20):
        theirs, scores = rng.uniform(0, 1.2, (6, costs)), rng.uniform(0.4, 0.9, 6)
        mine, score = rng.uniform(0, 1, (1, costs)), float(rng.uniform(0.5, 0.95))
        counted = Hypervolume(torch.tensor([*-reference, FLOOR]))

        def volume(c: np.ndarray, s: np.ndarray) -> float:
            chosen = [i for i in front_of(c.tolist(), s.tolist()) if (c[i] <= 1).all()]
            chosen = [i for i in chosen if s[i] > FLOOR]
            if not chosen:
                return 0.0
            values = np.concatenate([-c[chosen], s[chosen, None]], axis=1)
            return float(counted.compute(torch.from_numpy(values)))  # noqa: B023

        posterior = ScorePosterior(np.array([-math.log(1 - score)]), np.array([1e-9]), 1.0)
        boxes = BoxDecomposition.of(theirs, scores, reference, FLOOR)
        found = boxes.expected_improvement(posterior.expected_improvement, mine)[0]
        both = volume(np.concatenate([theirs, mine]), np.array([*scores, score]))
        assert found == pytest.approx(both - volume(theirs, scores), abs=1e-6)
