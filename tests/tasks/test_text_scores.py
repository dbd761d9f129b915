"""Scores of texts: sacrebleu's own, and the examples of ROUGE's paper."""

import pytest
import sacrebleu

from autopelt.tasks.text_scores import TEXT_SCORES


def test_bleu_and_chrf_are_sacrebleus():
    found = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    gold = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
    bleu, chrf = sacrebleu.corpus_bleu(found, [gold]), sacrebleu.corpus_chrf(found, [gold])
    assert TEXT_SCORES["bleu"](found, gold) == pytest.approx(bleu.score / 100)
    assert TEXT_SCORES["chrf"](found, gold) == pytest.approx(chrf.score / 100)
    assert TEXT_SCORES["exact_match"](found, gold) == pytest.approx(1 / 3)


def test_rouge_l_on_the_examples_of_its_paper():
    gold = "police killed the gunman"
    assert TEXT_SCORES["rouge_l"](["police kill the gunman"], [gold]) == pytest.approx(0.75)
    assert TEXT_SCORES["rouge_l"](["the gunman kill police"], [gold]) == pytest.approx(0.5)
    assert TEXT_SCORES["rouge_l"](["", "!"], [gold, gold]) == 0.0
    brown = ["The quick brown dog jumps on the log."]
    fox = ["The quick brown fox jumps over the lazy dog"]
    assert TEXT_SCORES["rouge_l"](brown, fox) == pytest.approx(2 * 5 / (8 + 9))
