"""Nothing that stands in a file steers a terminal or fills it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopelt.system.printable import LONGEST_LINE, LONGEST_VALUE, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07gone", r"\x1b[2J\x1b]0;title\x07gone"),
        ("over\rwritten", r"over\rwritten"),
        ("\x9b31m", r"\x9b31m"),
        ("a\u2028b\u202etxt.exe", r"a\u2028b\u202etxt.exe"),
        ("half \ud800", r"half \ud800"),
        ("nul\x00", r"nul\x00"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("ključ, 鍵, 👩‍👧, é", "ključ, 鍵, 👩‍👧, é"),
    ],
)
def test_what_steers_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_can_be_written_and_has_no_control_characters(text: str) -> None:
    shown = printable(text)
    shown.encode("utf-8")
    assert all(char in "\n\t" or (ord(char) >= 32 and not 127 <= ord(char) < 160) for char in shown)
    assert printable(shown) == shown


def test_long_values_and_lines_lose_their_middle() -> None:
    line = f"column '{'x' * 50_000}' of 'data.csv' isn't there; the model's card"
    assert printable(line) == line.replace("x" * 50_000, "x" * 133 + "…" + "x" * 65)
    assert len(printable("z" * 149_000)) <= LONGEST_LINE
    told = f"a '{'v' * LONGEST_VALUE}' stays"
    assert printable(told) == told
