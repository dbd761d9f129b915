"""Lines that fit a terminal, with whole words; commands that can be copied."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopelt.system.folded import cells, folded, shortened

WORDS = st.lists(
    st.text("abcö語-/.", min_size=1, max_size=19).filter(lambda w: cells(w) <= 19), max_size=40
)


@given(WORDS, st.integers(40, 140), st.sampled_from(["", "  ", "Report:  ", "3* 0.512  "]))
def test_no_line_is_longer_than_the_width_and_no_word_is_cut(
    words: list[str], width: int, head: str
) -> None:
    line = head + " ".join(words)
    pieces = folded(line, width).split("\n")
    assert all(cells(piece) <= width for piece in pieces)
    assert " ".join(pieces).split() == line.split()
    short = shortened(line, width)
    assert cells(short) <= width
    assert set(short.split()) <= {*line.split(), "…"}


def test_a_line_goes_on_below_its_last_column() -> None:
    assert folded("Time:    one two three", 20) == "Time:    one two\n         three"
    assert folded("  one two three four five", 20) == "  one two three four\n    five"
    assert folded("one\n  two", 20) == "one\n  two"
    assert folded("a pipe has no width " * 9, None) == "a pipe has no width " * 9


@pytest.mark.parametrize("head", ["  ", "Next:   "])
def test_a_command_can_be_copied(head: str) -> None:
    command = "autopelt export reports/a/trained --to peft --out 'reports/a-export'"
    pieces = folded(head + command, 40)
    assert max(map(len, pieces.split("\n"))) <= 40
    assert shlex.split(pieces.removeprefix(head).replace("\\\n", "")) == shlex.split(command)


def test_what_is_longer_than_the_width_stays_whole() -> None:
    path = "/a/folder/with/a/long/name/index.html"
    assert folded(f"Report:  {path}", 24) == f"Report:\n  {path}"
