"""Numbers and lists as a person reads them."""

import math

import pytest

from autopelt.cards.wording import difference, listed, plural, score, share, wrapped


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.6714, "0.671"), (-0.5, "-0.500"), (23.46, "23.5"), (None, "–"), (math.nan, "–")],
)
def test_scores(value: float | None, words: str) -> None:
    assert score(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0123, "+0.012"), (-0.0123, "−0.012"), (0.0001, "±0.000"), (-0.0001, "±0.000")],
)
def test_differences_have_a_sign_where_they_are_any(value: float, words: str) -> None:
    assert difference(value) == words


@pytest.mark.parametrize(
    ("value", "words"), [(0.01, "1%"), (0.00303, "0.303%"), (0.0106584, "1.07%"), (1.0, "100%")]
)
def test_shares_have_no_idle_zeros(value: float, words: str) -> None:
    assert share(value) == words


def test_words_for_some() -> None:
    assert [plural(n, "trial") for n in (0, 1, 1234)] == ["0 trials", "1 trial", "1,234 trials"]
    assert plural(2, "study", "studies") == "2 studies"
    assert [listed(list(x)) for x in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]


def test_wrapping_loses_no_word_and_keeps_to_the_width() -> None:
    text = "adapter 24 in layers 2 to 5 with a gate each · lora 8 · " + "x" * 60
    lines = wrapped(text, 20).split("\n")
    assert " ".join(lines).split() == text.replace(" · ", " ").split()
    assert all(len(line) <= 20 or " " not in line for line in lines)
