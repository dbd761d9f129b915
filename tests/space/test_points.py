"""Feasible points: what is drawn and what is near is feasible, canonical, and each once."""

import numpy as np
import pytest
from closed_form import FOUR, MIXED, VARIANTS, bound

from autopelt.errors import InfeasibleError
from autopelt.space.points import (
    feasible_neighbours,
    point_keys,
    sample_feasible,
    unique_points,
)

SPACES = ["pelt", "lora", "tiny", MIXED, VARIANTS]


@pytest.mark.parametrize("name", SPACES, ids=["pelt", "lora", "tiny", "mixed", "variants"])
def test_drawn_points_are_feasible_canonical_and_reproducible(name: str) -> None:
    space = bound(name, 4, 96)
    points = sample_feasible(space, np.random.default_rng(3), 50)
    assert points.shape == (50, len(space.dimensions))
    assert space.all_feasible(points).all()
    assert (space.all_canonical(points) == points).all()
    assert (points == sample_feasible(space, np.random.default_rng(3), 50)).all()


def test_drawn_points_are_spread_over_the_logarithm_of_their_size() -> None:
    """As many of them below the geometric middle of what is possible as above, more or less."""
    space = bound("pelt", 6, 384)
    points = sample_feasible(space, np.random.default_rng(0), 400)
    counts = [space.counter.count(space.decode(tuple(p))).deployed for p in points.tolist()]
    middle = np.sqrt(min(counts) * float(space.limit))
    assert 0.3 < np.mean(np.array(counts) < middle) < 0.7


def test_where_nothing_fits_the_budget_is_named() -> None:
    space = bound(FOUR, 4, 96, limit=1_000_000, minimum=999_999)
    with pytest.raises(InfeasibleError, match="no architecture of space 'four'"):
        sample_feasible(space, np.random.default_rng(0), 3)


@pytest.mark.parametrize("name", SPACES, ids=["pelt", "lora", "tiny", "mixed", "variants"])
def test_neighbours_are_feasible_distinct_and_others(name: str) -> None:
    space = bound(name, 4, 96)
    for start in sample_feasible(space, np.random.default_rng(1), 5):
        near = feasible_neighbours(space, start.tolist())
        keys = point_keys(near)
        assert len(keys) > 0
        assert len(set(keys)) == len(keys)
        assert point_keys(start[None])[0] not in keys
        assert space.all_feasible(near).all()
        assert (space.all_canonical(near) == near).all()


def test_a_limit_of_pairs_draws_some_of_all_moves() -> None:
    space = bound("pelt", 12, 96)
    (start,) = sample_feasible(space, np.random.default_rng(2), 1)
    every = set(point_keys(feasible_neighbours(space, start.tolist())))
    rng = np.random.default_rng(0)
    some = set(point_keys(feasible_neighbours(space, start.tolist(), rng, pairs=2)))
    assert some <= every


def test_unique_points_keep_their_first_place() -> None:
    points = np.array([[3, 0], [1, 2], [3, 0], [0, 0], [1, 2]])
    assert unique_points(points).tolist() == [[3, 0], [1, 2], [0, 0]]
