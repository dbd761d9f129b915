"""Learning rates of a space: a range is a grid that a person can read, a list stays what it is."""

import math

import numpy as np
import pytest
from closed_form import bound
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from autopelt.errors import UsageError
from autopelt.space.points import feasible_neighbours, sample_feasible
from autopelt.space.rates import RateRange, nearest, odds
from autopelt.space.space import SearchSpace

SPACE = "modules: [{{method: lora, location: attention.query, sizes: [0, 1, 2]}}]\n"
ends = st.floats(0.001, 1000).map(lambda value: float(f"{value:.3g}"))


def made(low: float, high: float) -> RateRange:
    return RateRange.model_validate({"from": low, "to": high})


def of(text: str) -> SearchSpace:
    return SearchSpace.parse(SPACE.format() + f"learning_rate_multiplier: {text}")


def test_the_range_of_the_shipped_spaces_in_numbers() -> None:
    grid = made(0.125, 8).grid
    assert len(grid) == 25
    assert grid[:5] == (0.125, 0.149, 0.177, 0.21, 0.25)
    assert grid[12:17] == (1.0, 1.19, 1.41, 1.68, 2.0)
    assert grid[-1] == 8.0
    for name in ("pelt", "lora"):
        assert SearchSpace.load(name).rates == grid
    assert SearchSpace.load("tiny").rates == SearchSpace.load("autopeft").rates == (1.0,)


@given(low=ends, high=ends)
@settings(max_examples=300)
def test_a_grid_grows_by_quarter_octaves_between_its_ends(low: float, high: float) -> None:
    if low >= high:
        with pytest.raises(ValidationError, match="must be below"):
            made(low, high)
        return
    grid = made(low, high).grid
    assert (grid[0], grid[-1]) == (low, high)
    steps = np.diff(np.log2(grid))
    assert (steps > 0).all()
    assert np.allclose(steps[:-1], 0.25, atol=0.02)  # three digits, and an end like 0.149
    assert steps[-1] < 0.25 * 1.5 + 0.02
    assert all(value == float(f"{value:.3g}") for value in grid)


@given(first=st.integers(-20, 0), last=st.integers(0, 20))
@settings(max_examples=100)
def test_the_own_rate_is_on_a_grid_of_quarter_octaves(first: int, last: int) -> None:
    if first == last:
        return
    low, high = (float(f"{2 ** (n / 4):.3g}") for n in (first, last))
    grid = made(low, high).grid
    assert 1.0 in grid
    assert len(grid) == last - first + 1


@given(low=ends, high=ends)
@settings(max_examples=100)
def test_a_range_is_kept_as_it_was_written(low: float, high: float) -> None:
    if low >= high:
        return
    space = of(f"{{from: {low!r}, to: {high!r}}}")
    plain = space.model_dump(mode="json")
    assert plain["learning_rate_multiplier"] == {"from": low, "to": high}
    assert SearchSpace.model_validate(plain) == space


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{from: 2, to: 1}", "from 2 must be below to 1"),
        ("{from: 0, to: 1}", "greater than or equal to 0.001"),
        ("{from: 1, to: 1e6}", "less than or equal to 1000"),
        ("{from: 1}", "range.to: Field required"),
        ("{form: 1, to: 2}", "did you mean 'from'"),
        ("{low: 1, high: 2}", "unknown key"),
        ("{from: .nan, to: 2}", "range.from"),
        ("[]", "at least 1"),
        ("[0]", "greater than 0"),
        ("[1, 1]", "repeats a value"),
        ("fast", "valid tuple"),
    ],
)
def test_wrong_rates_are_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        of(text)
    assert "\n" not in str(caught.value)


def test_a_list_means_what_it_meant() -> None:
    space = of("[0.5, 1, 2]")
    assert space.rates == (0.5, 1.0, 2.0)
    assert space.model_dump(mode="json")["learning_rate_multiplier"] == [0.5, 1.0, 2.0]
    assert odds(space.learning_rate_multiplier) == (1 / 3,) * 3


def test_drawn_rates_lie_round_the_own_one() -> None:
    space = bound("pelt", 4, 96)
    points = sample_feasible(space, np.random.default_rng(0), 2000)
    drawn = np.log2(np.array(space.space.rates))[points[:, space.multiplier]]
    assert abs(drawn.mean()) < 0.15
    assert 1.1 < drawn.std() < 1.6
    assert set(points[:, space.multiplier].tolist()) == set(range(25))


@pytest.mark.parametrize("now", [0, 1, 12, 24])
def test_moves_of_the_rate_are_near_ones_and_the_ends(now: int) -> None:
    space = bound("pelt", 2, 96)
    at = space.multiplier
    assert at is not None
    (point,) = sample_feasible(space, np.random.default_rng(0), 1)
    point[at] = now
    near = feasible_neighbours(space, point.tolist())
    moved = near[near[:, at] != now]
    assert (np.delete(moved, at, 1) == np.delete(point, at)).all()
    wanted = {0, 24, *(now + step for step in (-4, -2, -1, 1, 2, 4))} - {now}
    assert set(moved[:, at].tolist()) == {value for value in wanted if 0 <= value <= 24}


def test_the_nearest_is_found_on_a_log_scale() -> None:
    assert nearest(3.0, (1.0, 2.0, 4.0, 8.0)) == 4.0
    assert nearest(math.sqrt(2), (1.0, 2.0)) == 1.0
    assert nearest(100, (0.5, 1.0)) == 1.0


def test_a_range_reaches_further_where_a_decoder_learns_to_write() -> None:
    space = SearchSpace.load("lora")
    assert max(space.of(writing=True).rates) == 64
    assert max(space.of(writing=False).rates) == max(space.rates) == 8
    kept = space.of(writing=True).model_dump(mode="json")["learning_rate_multiplier"]
    assert kept == {"from": 0.125, "to": 64}
    with pytest.raises(ValueError, match="below writing"):
        RateRange.model_validate({"from": 2, "to": 8, "writing": 1})
