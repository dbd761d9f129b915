"""Spans of tags, and their F1 by the definition of the CoNLL shared tasks."""

import random

import pytest

from autopelt.tasks.spans import span_scores, spans


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
