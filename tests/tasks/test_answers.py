"""Answers are scored as SQuAD's official script does."""

import numpy as np
import pytest

from autopelt.tasks.answers import exact_match, normalized, word_f1


def test_answers_by_the_official_definition():
    assert normalized("The  Denver, Broncos!") == "denver broncos"
    assert exact_match("denver broncos", ["Carolina", "the Denver Broncos."]) == 1.0
    assert word_f1("Broncos", ["Denver Broncos"]) == pytest.approx(2 / 3)
    assert word_f1("", ["Denver"]) == 0.0
    assert word_f1("the", ["a"]) == 0.0
    assert exact_match("the", ["a"]) == 1.0


def test_human_answers_score_as_published(real_data):
    """SQuAD's paper, table 5: a second answer against two others is 80.3 exact and 90.5 F1."""
    from autopelt.data.squad import read_squad

    answers = read_squad([real_data / "squad" / "dev-v1.1.json"], []).columns["answers"]
    three = [a for a in answers if len(a) >= 3]
    exact = [exact_match(a[1], [a[0], a[2]]) for a in three]
    f1 = [word_f1(a[1], [a[0], a[2]]) for a in three]
    assert 100 * float(np.mean(exact)) == pytest.approx(80.3, abs=0.3)
    assert 100 * float(np.mean(f1)) == pytest.approx(90.5, abs=0.3)
