"""Scores of texts: sacrebleu's own, and means."""

import sys

import pytest
import sacrebleu
from sklearn.metrics import accuracy_score

from autopelt.errors import UnavailableError
from autopelt.tasks.text_scores import BESIDE, TEXT_SCORES, all_scores


def test_bleu_and_chrf_are_sacrebleus():
    found = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    gold = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
    bleu, chrf = sacrebleu.corpus_bleu(found, [gold]), sacrebleu.corpus_chrf(found, [gold])
    assert TEXT_SCORES["bleu"](found, gold) == pytest.approx(bleu.score / 100)
    assert TEXT_SCORES["chrf"](found, gold) == pytest.approx(chrf.score / 100)
    assert TEXT_SCORES["exact_match"](found, gold) == pytest.approx(1 / 3)


def test_rouge_is_the_mean_over_texts():
    gold = ["police killed the gunman", "the mat"]
    found = ["police kill the gunman", "the mat"]
    for name in ("rouge1", "rougeL", "rougeLsum"):
        assert TEXT_SCORES[name](found, gold) == pytest.approx((0.75 + 1) / 2)
    assert TEXT_SCORES["rouge2"](found, gold) == pytest.approx((1 / 3 + 1) / 2)


def test_without_sacrebleu_there_is_rouge(monkeypatch):
    assert list(all_scores(["a"], ["a"], "rougeL"))[:3] == ["rougeL", "chrf", "bleu"]
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    assert set(all_scores(["1"], ["1"], "rougeL")) == {*TEXT_SCORES} - {"chrf", "bleu"}
    with pytest.raises(UnavailableError, match="need the package sacrebleu"):
        all_scores(["a"], ["a"], "chrf")


def test_exact_match_is_the_accuracy_of_texts_as_labels():
    found, gold = ["a b", " c", "d", "e"], ["a b", "c", "D", "f"]
    labels = [[text.strip() for text in texts] for texts in (found, gold)]
    assert TEXT_SCORES["exact_match"](found, gold) == accuracy_score(*labels) == 0.5


def test_numbers_count_where_the_gold_text_has_one():
    gold = ["12 - 5 = 7\n#### 7", "#### 1,200", "#### -3.50", "nothing"]
    found = ["It is 7.0.", "#### 1200", "3.5", "8"]
    assert TEXT_SCORES["number_match"](found, gold) == 2 / 3
    assert TEXT_SCORES["number_match"](["7"], ["nothing"]) == 0
    assert all_scores(found, gold, names=BESIDE)["number_match"] == 2 / 3
    assert list(all_scores(["a"], ["b"], names=BESIDE)) == ["exact_match", "rougeL", "chrf"]
    assert "number_match" in all_scores(["a"], ["b"], "number_match")
