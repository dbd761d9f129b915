"""Scores with questions that have no answer, counted by hand as the official script does."""

import pytest

from autopelt.tasks.squad2 import Answered

ANSWERED = Answered(
    found=["Denver Broncos", "in 1999", "the cat", "a dog", "Rome"],
    doubts=[0.1, 0.4, 0.3, 0.8, 0.6],
    gold=[["the Broncos", "Denver"], ["1999", "in 1999 ."], [], [], ["Paris"]],
)
"""By doubt: F1 2/3 and not exact; no answer; right; wrong; no answer."""


def test_a_threshold_turns_doubtful_answers_into_none():
    scores = ANSWERED.scores("f1", threshold=0.5)
    # 2/3 and 1 for the first two, 0 for an answer where there is none, 1 for none, 0 for Rome
    assert scores["f1"] == pytest.approx((2 / 3 + 1 + 0 + 1 + 0) / 5)
    assert scores["exact_match"] == pytest.approx((0 + 1 + 0 + 1 + 0) / 5)
    assert scores["has_answer_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert scores["has_answer_exact"] == pytest.approx(1 / 3)
    assert scores["no_answer_f1"] == scores["no_answer_exact"] == pytest.approx(1 / 2)


def test_the_best_threshold_is_searched_from_the_least_doubt():
    scores = ANSWERED.scores("f1")
    # "" everywhere is right twice; then 2 + 2/3, - 1, + 1 (the same as before), + 0, - 1
    assert scores["best_f1"] == pytest.approx((2 + 2 / 3) / 5)
    assert scores["best_f1_thresh"] == 0.1
    # exact: 2, 2 + 0, - 1, + 1 = 2: never better than "" everywhere
    assert (scores["best_exact"], scores["best_exact_thresh"]) == (pytest.approx(2 / 5), 0.0)
    assert scores["f1"] == pytest.approx(scores["best_f1"])
    assert ANSWERED.scores("exact_match")["exact_match"] == pytest.approx(scores["best_exact"])


def test_an_answer_of_articles_alone_is_none():
    scores = Answered(["the", "cat"], [0.0, 0.0], [[], ["a"]]).scores("f1", 1.0)
    assert scores["no_answer_f1"] == 1.0  # "the" is no word
    assert scores["has_answer_f1"] == 0.0  # "a" is none either, so that "" would have been right


def test_a_part_without_questions_has_no_score():
    scores = Answered(["cat"], [0.2], [["cat"]]).scores("f1")
    assert "no_answer_f1" not in scores
    assert scores["f1"] == scores["best_f1"] == 1.0
