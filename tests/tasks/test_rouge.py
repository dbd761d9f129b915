"""ROUGE: the examples of its paper, and sentences counted by hand."""

import pytest

from autopelt.tasks.rouge import rouge_l, rouge_lsum, rouge_n

FOUND = "The quick brown dog jumps on the log.\nIt was late."
GOLD = "The quick brown fox jumps over the lazy dog.\nLate it was."


def test_the_examples_of_the_paper():
    gold = "police killed the gunman"
    assert rouge_l("police kill the gunman", gold) == pytest.approx(0.75)
    assert rouge_l("the gunman kill police", gold) == pytest.approx(0.5)
    # Both share one pair of words of three with it, "the gunman".
    assert rouge_n("police kill the gunman", gold, 2) == pytest.approx(1 / 3)
    assert rouge_n("the gunman kill police", gold, 2) == pytest.approx(1 / 3)


def test_words_and_pairs_of_words_count_as_often_as_on_both_sides():
    # the, the, quick, brown, dog, jumps, it, was, late: 9 of 11 and of 12
    assert rouge_n(FOUND, GOLD, 1) == pytest.approx(2 * 9 / (11 + 12))
    # the quick, quick brown, it was: 3 of 10 and of 11
    assert rouge_n(FOUND, GOLD, 2) == pytest.approx(2 * 3 / (10 + 11))
    assert rouge_n("a a a", "a a", 1) == pytest.approx(2 * 2 / (3 + 2))


def test_subsequences_go_over_lines_or_stay_within_them():
    # the quick brown jumps the ... late, or ... it was
    assert rouge_l(FOUND, GOLD) == pytest.approx(2 * 7 / (11 + 12))
    assert rouge_lsum(FOUND, GOLD) == pytest.approx(2 * 7 / (11 + 12))
    # Lines the other way round cost nothing by the line.
    turned = "\n".join(reversed(FOUND.split("\n")))
    assert rouge_l(turned, GOLD) == pytest.approx(2 * 5 / (11 + 12))
    assert rouge_lsum(turned, GOLD) == pytest.approx(2 * 7 / (11 + 12))


def test_a_union_of_subsequences_as_in_the_paper():
    """Section 3.2: w1 w2 w3 w4 w5 against w1 w2 w6 w7 w8 and w1 w3 w8 w9 w5 shares four words."""
    found = "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5"
    assert rouge_lsum(found, "w1 w2 w3 w4 w5") == pytest.approx(2 * 4 / (10 + 5))


def test_nothing_and_other_letters():
    assert rouge_l("", "a") == rouge_lsum("!", "a") == rouge_n("", "", 1) == 0.0
    assert rouge_l("Češnja_in MAČKA", "češnja in mačka") == 1.0
