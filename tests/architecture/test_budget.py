"""Budgets and counts."""

import pytest
from closed_form import shapes_of
from hypothesis import given
from hypothesis import strategies as st

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Budget, Count
from autopelt.architecture.counter import ShapeCounter
from autopelt.errors import UsageError
from autopelt.methods.module import Module


@pytest.mark.parametrize(
    ("text", "limit"),
    [("1%", 227_000), ("0.5%", 113_500), ("300k", 300_000), ("1.2M", 1_200_000), (5000, 5000)],
)
def test_budgets_as_people_write_them(text: str | int, limit: int) -> None:
    assert Budget.parse(text).limit(22_700_000) == limit


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no share and no count"),
        ("lots", "no share and no count"),
        ("0", "zero"),
        ("0%", "zero"),
        ("101%", "at most 100%"),
        ("0.01", "did you mean 1%"),
        ("-3", "no share and no count"),
        ("3s", "no share and no count"),
        ("0.0001k", "less than one"),
    ],
)
def test_wrong_budgets_name_the_value_and_the_way_out(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        Budget.parse(text)
    assert f"'{text}'" in str(caught.value)


@given(text=st.text(alphabet="0123456789.%kMBe- x", max_size=12))
def test_parsing_raises_nothing_but_usage_errors(text: str) -> None:
    try:
        made = Budget.parse(text)
    except UsageError:
        return
    assert made.limit(10**8) >= 0
    assert Budget.parse(str(made).replace(",", "")).limit(10**8) >= 0


def test_a_share_is_of_the_backbone() -> None:
    assert Count(trained=20, deployed=10, backbone=1000).share == 0.01


@given(
    sizes=st.lists(st.integers(1, 100), min_size=1, max_size=6),
    method=st.sampled_from([("lora", "attention.query"), ("prefix", "attention")]),
)
def test_counts_add_up(sizes: list[int], method: tuple[str, str]) -> None:
    counter = ShapeCounter(shapes_of(6, 64))
    modules = [Module(method[0], method[1], layer, size) for layer, size in enumerate(sizes)]
    whole = counter.count(Architecture(tuple(modules))).deployed
    assert whole == sum(counter.deployed(m) for m in modules)


def test_what_is_infinite_is_not_asked_about_in_small_letters() -> None:
    with pytest.raises(UsageError, match="no count; write it like"):
        Budget.parse("1e300B")
