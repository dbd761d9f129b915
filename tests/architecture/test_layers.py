"""Layer ranges: written and read again they are the same, and a wrong one is named."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopelt.architecture.layers import format_layers, parse_layers
from autopelt.errors import UsageError


@given(st.sets(st.integers(0, 200), min_size=1))
def test_what_is_written_is_read_again(layers: set[int]) -> None:
    assert parse_layers(format_layers(layers)) == tuple(sorted(layers))


@given(st.sets(st.integers(0, 200), min_size=2))
def test_no_two_runs_touch(layers: set[int]) -> None:
    """The shortest way to write them: a run begins at least two above the end of the last."""
    runs = [part.split("-") for part in format_layers(layers).split(",")]
    assert all(int(after[0]) > int(before[-1]) + 1 for before, after in pairwise(runs))


def test_numbers_and_lists_are_layers_too() -> None:
    assert parse_layers(5) == (5,)
    assert parse_layers([0, "2-3"]) == (0, 2, 3)


@pytest.mark.parametrize("wrong", ["", "3-1", "1-2-3", "a", "-1", "1,,2", "²", True, None, 1.0, -1])
def test_what_is_no_range_is_named(wrong: object) -> None:
    with pytest.raises(UsageError, match="layers"):
        parse_layers(wrong)
