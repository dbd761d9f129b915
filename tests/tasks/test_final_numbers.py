"""Numbers of arithmetic answers, by hand."""

from decimal import Decimal

import pytest

from autopelt.tasks.final_numbers import final_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("So she has 3 + 4 = 7 apples.\n#### 7", "7"),
        ("#### 1,234", "1234"),
        ("#### $1,234,567.50", "1234567.5"),
        ("#### -12", "-12"),
        ("#### \N{MINUS SIGN}12", "-12"),
        ("#### -$5", "-5"),
        ("#### $-5", "-5"),
        ("#### +5", "5"),
        ("#### 42 apples, not 43", "42"),
        ("#### 1\n\nQuestion 2: how many?\n#### 8", "8"),
        ("18 dollars\n####", "18"),
        ("The answer is 42.", "42"),
        ("It is 3.0", "3"),
        ("It is .5", "0.5"),
        ("about 1e3", "1000"),
        ("1.5e-3 of it", "0.0015"),
        ("growth of 12.5%", "12.5"),
        ("10-12", "12"),
        ("x-3", "3"),
        ("10 - 4", "4"),
        ("5 - 8 = -3", "-3"),
        ("f(2)-7", "7"),
        ("one of 1,2,3", "3"),
        ("1,2345", "2345"),
        ("12,345 people", "12345"),
        ("1234,567", "567"),
        ("on 2024-05-06", "6"),
        ("room 7b", "7"),
        ("€2.50, or £3", "3"),
        ("no number", None),
        ("####", None),
        ("", None),
    ],
)
def test_the_final_number_of_a_text(text, number):
    assert final_number(text) == (None if number is None else Decimal(number))
