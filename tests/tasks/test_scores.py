"""Scores: published examples, and the definitions by which the benchmarks report."""

import random

import numpy as np
import pytest
import sacrebleu
from sklearn.metrics import f1_score, matthews_corrcoef

from autopelt.tasks.answers import exact_match, normalized, word_f1
from autopelt.tasks.question_answering import best_span
from autopelt.tasks.scores import SCORES
from autopelt.tasks.spans import span_scores, spans
from autopelt.tasks.text_scores import TEXT_SCORES


def test_classification_scores_against_scikit_learn():
    draw = random.Random(0)
    gold = [draw.randrange(2) for _ in range(200)]
    found = [g if draw.random() < 0.7 else 1 - g for g in gold]
    assert SCORES["f1"](gold, found) == pytest.approx(f1_score(gold, found))
    assert SCORES["matthews"](gold, found) == pytest.approx(matthews_corrcoef(gold, found))
    assert SCORES["macro_f1"](gold, found) == pytest.approx(f1_score(gold, found, average="macro"))
    assert SCORES["micro_f1"](gold, found) == pytest.approx(f1_score(gold, found, average="micro"))
    accuracy = SCORES["accuracy"](gold, found)
    assert SCORES["accuracy_f1"](gold, found) == pytest.approx(
        (accuracy + f1_score(gold, found)) / 2
    )


def test_a_constant_side_scores_zero_without_a_warning():
    for name in ("pearson", "spearman", "pearson_spearman"):
        assert SCORES[name]([1.0, 2.0, 3.0], [0.5, 0.5, 0.5]) == 0.0
        assert SCORES[name]([1.0], [1.0]) == 0.0
    for name in ("matthews", "f1", "accuracy"):
        assert SCORES[name]([0, 1, 0], [0, 0, 0]) == pytest.approx(
            2 / 3 if name == "accuracy" else 0
        )


def test_stsb_is_the_mean_of_both_correlations():
    gold, found = [0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 30.0]
    assert SCORES["spearman"](gold, found) == pytest.approx(1.0)
    both = (1 + np.corrcoef(gold, found)[0, 1]) / 2
    assert SCORES["pearson_spearman"](gold, found) == pytest.approx(both)


def test_span_f1_on_the_published_example_of_seqeval():
    gold = [["O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    found = [["O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    scores = span_scores(gold, found)
    assert scores == {"span_f1": 0.5, "span_precision": 0.5, "span_recall": 0.5}


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("B-a I-a O B-a", [(0, 1, "a"), (3, 3, "a")]),
        ("I-a I-a B-a I-b", [(0, 1, "a"), (2, 2, "a"), (3, 3, "b")]),
        ("O I-a O", [(1, 1, "a")]),
        ("B-a E-a S-a O S-b", [(0, 1, "a"), (2, 2, "a"), (4, 4, "b")]),
        ("B-a L-a U-a", [(0, 1, "a"), (2, 2, "a")]),
        ("B-creative-work I-creative-work", [(0, 1, "creative-work")]),
        ("B I O", [(0, 1, "")]),
        ("O O", []),
    ],
)
def test_borders_of_spans_in_all_schemes(tags, found):
    assert spans(tags.split()) == found


def test_spans_are_those_of_conlleval():
    """Against the rules of conlleval.pl, written out tag by tag."""

    def starts(before, tag):
        (p, _, kind), (q, _, other) = tag.partition("-"), before.partition("-")
        return p != "O" and (p in "BS" or q in "OES" or kind != other or (p == "E" and q in "ES"))

    draw = random.Random(0)
    for _ in range(500):
        tags = [draw.choice(["O", "B-x", "I-x", "E-x", "S-x", "B-y", "I-y"]) for _ in range(8)]
        begins = [i for i in range(8) if starts(tags[i - 1] if i else "O", tags[i])]
        assert [start for start, _, _ in spans(tags)] == begins


def test_nothing_found_scores_zero():
    assert span_scores([["O", "B-a"]], [["O", "O"]])["span_f1"] == 0.0
    assert span_scores([["O"]], [["O"]])["span_f1"] == 0.0
    with pytest.raises(ValueError, match="1 predicted tags, but 2 words"):
        span_scores([["O", "O"]], [["O"]])


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


def test_best_span_is_in_order_short_and_inside_the_context():
    scores = np.zeros((2, 50), dtype=np.float32)
    allowed = np.ones(50, dtype=bool)
    allowed[:5] = False
    scores[0, 2] = scores[1, 3] = 9  # the question
    scores[0, 10], scores[1, 12] = 5, 5
    scores[0, 13], scores[1, 49] = 6, 6  # 37 tokens
    assert best_span(scores, allowed)[1:] == (10, 12)
    scores[:] = 0
    scores[0, 40:], scores[1, 5:25] = 9, 9  # every start behind every end
    value, start, end = best_span(scores, allowed)
    assert (start, value) == (end, 9)
    assert best_span(scores, np.zeros(50, dtype=bool))[1:] == (-1, -1)


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
