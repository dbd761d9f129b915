"""Pareto front and hypervolume, against the definition and against botorch."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopelt.statistics.pareto import front, front_of, hypervolume, knee

points = st.lists(
    st.tuples(st.integers(0, 1000), st.floats(0, 1) | st.sampled_from([0.5, math.nan])), max_size=20
)


@given(points=points)
def test_the_front_is_what_nothing_dominates(points: list[tuple[int, float]]) -> None:
    members = front(points)
    finite = [i for i, p in enumerate(points) if math.isfinite(p[1])]

    def dominated(b: tuple[int, float]) -> bool:
        rivals = (points[j] for j in finite)
        return any(a[0] <= b[0] and a[1] >= b[1] and a != b for a in rivals)

    best = {points[i] for i in finite if not dominated(points[i])}
    assert {points[i] for i in members} == best
    assert len(members) == len(best)
    assert members == sorted(members, key=lambda i: points[i][0])


@given(points=points)
def test_with_one_cost_the_general_front_is_the_front(points: list[tuple[int, float]]) -> None:
    assert front_of([(n,) for n, _ in points], [s for _, s in points]) == front(points)


@given(
    points=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), max_size=20)
)
def test_the_front_of_two_costs_is_what_nothing_dominates(
    points: list[tuple[int, int, int]],
) -> None:
    members = front_of([p[:2] for p in points], [p[2] for p in points])
    best = {
        p
        for p in points
        if not any(q != p and q[0] <= p[0] and q[1] <= p[1] and q[2] >= p[2] for q in points)
    }
    assert {points[i] for i in members} == best
    assert len(members) == len(best)


@given(points=points, floor=st.floats(0, 0.6), budget=st.integers(2, 1000))
def test_hypervolume_is_botorchs(
    points: list[tuple[int, float]], floor: float, budget: int
) -> None:
    import torch
    from botorch.utils.multi_objective.hypervolume import Hypervolume

    inside = [p for p in points if p[0] <= budget and math.isfinite(p[1])]
    values = torch.tensor(
        [[-math.log10(max(1, n)), score] for n, score in inside], dtype=torch.float64
    ).reshape(-1, 2)
    reference = torch.tensor([-math.log10(budget), floor], dtype=torch.float64)
    wanted = Hypervolume(reference).compute(values) if len(values) else 0.0
    assert hypervolume(points, budget, floor) == pytest.approx(wanted, abs=1e-9)


@given(points=points, more=points)
def test_more_points_never_shrink_it(
    points: list[tuple[int, float]], more: list[tuple[int, float]]
) -> None:
    assert hypervolume(points + more, 500, 0.1) >= hypervolume(points, 500, 0.1) - 1e-12


def test_the_knee_is_the_bend() -> None:
    assert knee([(10, 0.1), (100, 0.9), (1000, 1.0), (500, 0.2)]) == 1
    assert knee([(10, 0.1)]) == 0
    with pytest.raises(ValueError, match="at least one"):
        knee([])
