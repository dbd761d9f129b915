"""Scores of texts: sacrebleu's own, and means."""

import sys

import pytest
import sacrebleu

from autopelt.errors import UnavailableError
from autopelt.tasks.text_scores import TEXT_SCORES, all_scores


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
    assert set(all_scores(["a"], ["a"], "rougeL")) == {*TEXT_SCORES} - {"chrf", "bleu"}
    with pytest.raises(UnavailableError, match="need the package sacrebleu"):
        all_scores(["a"], ["a"], "chrf")
