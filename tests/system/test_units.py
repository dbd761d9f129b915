"""Numbers as people write them."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopelt.errors import UsageError
from autopelt.system import units as q

PARSERS = [q.parse_count, q.Seconds.parse, q.Bytes.parse]


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (q.parse_count, "300k", 300_000),
        (q.parse_count, " 1.2M ", 1_200_000),
        (q.parse_count, "2B", 2 * 10**9),
        (q.parse_count, "1e3", 1000),
        (q.parse_count, ".5k", 500),
        (q.Seconds.parse, "90s", 90.0),
        (q.Seconds.parse, "2h", 7200.0),
        (q.Seconds.parse, "5 min", 300.0),
        (q.Bytes.parse, "4GiB", 4 * 2**30),
        (q.Bytes.parse, "500MB", 500 * 10**6),
    ],
)
def test_what_people_write_is_read(parse: Callable[[str], float], text: str, value: float) -> None:
    assert parse(text) == value


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "text", ["", "x", "-1", "1.2.3", "1 2", "5 apples", "nan", "inf", "1e999", "٣k", "1_000"]
)
def test_what_is_no_number_is_refused_with_an_example(
    parse: Callable[[str], float], text: str
) -> None:
    with pytest.raises(UsageError, match="write it like"):
        parse(text)


@pytest.mark.parametrize(
    ("parse", "text"),
    [(q.parse_count, "1e300B"), (q.Seconds.parse, "1e307h"), (q.Bytes.parse, "1e300GiB")],
)
def test_what_its_unit_makes_infinite_is_no_number(
    parse: Callable[[str], float], text: str
) -> None:
    with pytest.raises(UsageError, match="write it like"):
        parse(text)


@pytest.mark.parametrize("parse", PARSERS)
@given(text=st.text(max_size=30))
def test_parsers_raise_nothing_but_usage_errors(parse: Callable[[str], float], text: str) -> None:
    with suppress(UsageError):
        assert parse(text) >= 0


@given(
    text=st.from_regex(r"[0-9]{0,400}\.?[0-9]{1,400}([eE][+-]?[0-9]{1,6})?[kMBsh]?", fullmatch=True)
)
def test_huge_and_tiny_numbers_raise_nothing_but_usage_errors(text: str) -> None:
    for parse in PARSERS:
        with suppress(UsageError):
            parse(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (8.24, "8.2 s"),
        (59.97, "60.0 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
        (3599.7, "1 h 00 min"),
    ],
)
def test_seconds_are_short(seconds: float, text: str) -> None:
    assert q.format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.01066, "1.07%"), (0, "0%"), (1, "100%"), (0.5, "50.0%"), (1e-12, "0.000000%")],
)
def test_shares_have_three_digits(share: float, text: str) -> None:
    assert q.format_share(share) == text
