"""Answers survive windows and padding; the best span is a possible one."""

import numpy as np
import pytest
import torch
from datasets import Dataset
from tiny_models import TOKENIZERS

from autopelt.errors import UsageError
from autopelt.tasks.question_answering import QuestionAnswering, best_span

NOWHERE = None  # these tasks are never loaded


@pytest.fixture(params=list(TOKENIZERS))
def tokenizer(request):
    return TOKENIZERS[request.param]()


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


def test_answers_survive_windows(tokenizer):
    task = QuestionAnswering("q", "", NOWHERE)
    words = [f"w{n}" for n in range(120)]
    context = "  " + " ".join(words)
    asked = ["w3", "w60 w61", "w119"]
    data = Dataset.from_dict(
        {
            "question": ["where is it ?"] * 3,
            "context": [context] * 3,
            "answers": [[text] for text in asked],
            "starts": [[context.index(text)] for text in asked],
        }
    )
    encoded = task.encode(data, tokenizer, 64)
    assert max(encoded["length"]) <= 64
    assert len(encoded) > 3
    predictions = []
    for row in encoded:
        scores = torch.zeros(2, row["length"])
        if row["end_positions"] > 0:
            scores[0, row["start_positions"]] = scores[1, row["end_positions"]] = 5.0
        predictions.append(scores.numpy())
    assert task.best_spans(predictions, encoded) == dict(enumerate(asked))
    assert task.score(predictions, encoded) == {"f1": 1.0, "exact_match": 1.0}
    windows = len(encoded)
    assert f"3 questions are read in {windows} windows" in task.notes(encoded)[-1]


def test_a_long_question_leaves_room_for_the_context(tokenizer):
    task = QuestionAnswering("q", "", NOWHERE)
    data = Dataset.from_dict(
        {"question": ["why " * 300], "context": ["the cat"], "answers": [["cat"]], "starts": [[4]]}
    )
    encoded = task.encode(data, tokenizer, 32)
    assert encoded[0]["end_positions"] > 0
    assert "1 questions are too long and were cut" in task.notes(encoded)[0]
    with pytest.raises(UsageError, match="at least, not 8"):
        task.encode(data, tokenizer, 8)


def test_positions_move_with_padding_on_the_left():
    tokenizer = TOKENIZERS["gpt2"]()
    tokenizer.padding_side = "left"
    task = QuestionAnswering("q", "", NOWHERE)
    data = Dataset.from_dict(
        {
            "question": ["?", "?"],
            "context": ["the cat sat on the mat", "the cat"],
            "answers": [["cat"], ["cat"]],
            "starts": [[4], [4]],
        }
    )
    encoded = task.encode(data, tokenizer, 32)
    batch = task.collate(encoded.to_list(), tokenizer)
    for row in range(2):
        place = batch["start_positions"][row]
        expected = encoded[row]["input_ids"][encoded[row]["start_positions"]]
        assert batch["input_ids"][row, place] == expected
