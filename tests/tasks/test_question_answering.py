"""Answers survive windows and padding; the best span is a possible one."""

import json

import numpy as np
import pytest
import torch
from datasets import Dataset
from tiny_models import TOKENIZERS

from autopelt.errors import UsageError
from autopelt.tasks import Source, task_from_files
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
    assert task.best_spans(predictions, encoded)[0] == dict(enumerate(asked))
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


def test_the_threshold_of_the_selection_split_decides_on_no_answer():
    """A context is read in two windows; the least score of "no answer" and the best span count."""
    tokenizer = TOKENIZERS["bert"]()
    task = QuestionAnswering("q", "", NOWHERE)
    task.abstains = True
    words = " ".join(f"w{n}" for n in range(20))
    data = Dataset.from_dict(
        {
            "question": ["?", "?"],
            "context": [words, words],
            "answers": [["w3"], [""]],
            "starts": [[words.index("w3")], [0]],
        }
    )
    encoded = task.encode(data, tokenizer, 20)
    assert encoded["example"][:].count(0) == 2
    assert [r["start_positions"] for r in encoded if r["example"] == 1] == [0, 0]
    predictions = []
    for row, (null, span) in zip(encoded, [(1.0, 2.0), (4.0, 0.0), (3.0, 2.5), (9.0, 0.0)]):
        scores = torch.full((2, row["length"]), -9.0)
        place = next(i for i, begin in enumerate(row["begins"]) if begin >= 0)
        scores[:, place], scores[:, 0] = span / 2, null / 2
        predictions.append(scores.numpy())
    spans, doubts = task.best_spans(predictions, encoded)
    assert doubts[0] == pytest.approx(1 / (1 + np.exp(2 - 1)))
    assert doubts[1] == pytest.approx(1 / (1 + np.exp(2.5 - 3)))
    scores = task.score(predictions, encoded)
    assert scores["no_answer_exact"] == 1.0
    assert scores["best_exact_thresh"] == 0.0  # nothing is right but to find no answer
    assert task.decided(scores).worded(predictions, encoded) == [{"prediction": ""}] * 2
    lenient = task.decided({"best_f1_thresh": doubts[0]})
    assert lenient.worded(predictions, encoded) == [{"prediction": spans[0]}, {"prediction": ""}]
    assert task.decided({}).worded(predictions, encoded)[1] == {"prediction": spans[1]}


def test_questions_without_an_answer_are_kept(tmp_path):
    """SQuAD 2.0's JSON, and columns as the Hub has them; only misplaced answers are left out."""
    said = [{"text": "cat", "answer_start": 4}]
    qas = [
        {"question": "who?", "id": "1", "answers": said, "is_impossible": False},
        {"question": "why?", "id": "2", "answers": [], "is_impossible": True},
        {"question": "when?", "id": "3", "answers": said, "is_impossible": True},
        {"question": "where?", "id": "4", "answers": [{"text": "cat", "answer_start": 0}]},
    ]
    article = {"title": "t", "paragraphs": [{"context": "the cat", "qas": qas}]}
    (tmp_path / "a.json").write_text(json.dumps({"version": "v2.0", "data": [article]}))
    right, none = {"text": ["cat"], "answer_start": [4]}, {"text": [], "answer_start": []}
    wrong = {"text": ["cat"], "answer_start": [0]}
    rows = [
        {"context": "the cat", "question": question, "answers": answers}
        for question, answers in [
            ("who?", right),
            ("why?", none),
            ("when?", none),
            ("where?", wrong),
        ]
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for name in ("a.json", "a.jsonl"):
        task, notes = task_from_files(str(tmp_path / name)), []
        raw = task.origin.find(Source()).readers["train"]()
        task.learn_labels(raw)
        kept = task.finish(raw, "train", notes)
        assert kept["answers"][:] == [["cat"], [""], [""]]
        assert task.abstains
        assert "train: 2 of 3 questions have no answer." in notes
        assert "train: 1 of 4 questions are left out: they have no usable answer." in notes
