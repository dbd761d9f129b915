"""Pairs of texts are read as they are published; the loss is that of sentence-transformers."""

import json
from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset
from tiny_models import tiny

from autopelt.errors import UnavailableError, UsageError
from autopelt.tasks import Source, task_from_files
from autopelt.tasks.retrieval import Retrieval
from autopelt.tasks.unlabelled import trained_task, unlabelled

NOWHERE = None  # these tasks are never loaded


def written(path, rows):
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(path)


def raw(task):
    return task.origin.find(Source()).readers["train"]().to_list()


@pytest.mark.parametrize(
    ("row", "options"),
    [
        ({"query": "q", "positive": "p", "negative": "n", "negative_2": "m"}, {}),
        ({"anchor": "q", "positive": "p", "negatives": ["n", "m"]}, {}),
        ({"query": "q", "pos": ["p"], "neg": ["n", "", "m"]}, {}),
        (
            {"question": "q", "answer": "p", "a": "n", "b": "m"},
            {"kind": "retrieval", "negatives": "a, b"},
        ),
        (
            {"x": {"y": "q"}, "z": "p", "w": ["n", "m"]},
            {"kind": "retrieval", "text": "x.y", "text_pair": "z", "negatives": "w"},
        ),
    ],
)
def test_pairs_are_read_as_they_were_meant(row, options, tmp_path):
    task = task_from_files(written(tmp_path / "a.jsonl", [row] * 3), **options)
    assert task.kind == "retrieval"
    assert raw(task) == [{"query": "q", "positive": "p", "negatives": ["n", "m"]}] * 3


def test_a_list_of_positives_is_a_row_for_each(tmp_path):
    rows = [
        {"query": "q", "positive": ["p", "o"], "negative": "n"},
        {"query": "r", "positive": "s"},
    ]
    read = raw(task_from_files(written(tmp_path / "a.jsonl", rows)))
    assert [(row["query"], row["positive"]) for row in read] == [("q", "p"), ("q", "o"), ("r", "s")]
    assert [row["negatives"] for row in read] == [["n"], ["n"], []]


@pytest.mark.parametrize(
    ("row", "error", "said"),
    [
        ({"query": "", "positive": "p"}, UnavailableError, "empty text in column 'query'"),
        ({"query": "q", "positive": " "}, UnavailableError, "empty text in column 'positive'"),
        ({"query": "q", "positive": 3}, UnavailableError, "neither a text nor a list of texts"),
        ({"query": "q", "positive": "p"}, UsageError, "label would have no effect"),
    ],
)
def test_what_is_no_pair_is_refused(row, error, said, tmp_path):
    options = {"kind": "retrieval", "label": "x"} if error is UsageError else {}
    with pytest.raises(error, match=said):
        raw(task_from_files(written(tmp_path / "a.jsonl", [row] * 3), **options))


def test_texts_that_are_linked_stay_on_one_side():
    task = Retrieval("r", "", NOWHERE)
    pairs = [("a", "1"), ("b", "2"), ("a", "3"), ("c", "3"), ("d", "2 ")]
    data = Dataset.from_dict({"query": [q for q, _ in pairs], "positive": [p for _, p in pairs]})
    assert task.groups(data) == ["1", "2", "1", "1", "2"]
    assert task.groups(data.select([4, 3, 2, 1, 0])) == ["2", "1", "1", "2", "1"]


def batch_of(*rows):
    """Task and batch of rows (query, positive, negatives…), and a state for each text."""
    task, _, tokenizer = tiny("bert", Retrieval("r", "", NOWHERE))
    data = Dataset.from_dict(
        {
            "query": [row[0] for row in rows],
            "positive": [row[1] for row in rows],
            "negatives": [list(row[2:]) for row in rows],
        }
    )
    batch = task.collate(task.encode(data, tokenizer, 32).to_list(), tokenizer)
    shape = (*batch["input_ids"].shape, 6)
    states = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return task, batch, SimpleNamespace(last_hidden_state=states)


def test_the_loss_takes_all_other_texts_of_a_batch_for_wrong():
    task, batch, outputs = batch_of(("q 1", "p 1", "the cat"), ("q 2", "p 2"), ("q 3", "the mat"))
    made = task.embeddings(outputs, batch)
    assert made.norm(dim=-1).tolist() == pytest.approx([1.0] * 7)
    mask = batch["attention_mask"][0].bool()
    mean = outputs.last_hidden_state[0][mask].mean(0)
    torch.testing.assert_close(made[0], mean / mean.norm())
    queries, offered = made[[0, 3, 5]], made[[1, 2, 4, 6]]
    scores = 20 * queries @ offered.T
    expected = torch.nn.functional.cross_entropy(scores, torch.tensor([0, 2, 3]))
    assert float(task.loss(outputs, batch)) == pytest.approx(float(expected), rel=1e-5)


def test_what_is_known_to_fit_is_not_taken_for_wrong():
    """The first two want the same text; the third has another one for the query of the first."""
    task, batch, outputs = batch_of(("q 1", "p 1"), ("q 2", "p 1 "), ("q 1", "p 3"))
    made = task.embeddings(outputs, batch)
    scores = 20 * made[[0, 2, 4]] @ made[[1, 3, 5]].T
    left = torch.tensor([[1, 0, 0], [0, 1, 1], [0, 0, 1]], dtype=torch.bool)
    scores = scores.masked_fill(~left, -torch.inf)
    expected = torch.nn.functional.cross_entropy(scores, torch.tensor([0, 1, 2]))
    assert float(task.loss(outputs, batch)) == pytest.approx(float(expected), rel=1e-5)


def test_the_loss_is_that_of_sentence_transformers():
    losses = pytest.importorskip(
        "sentence_transformers.sentence_transformer.losses",
        reason="sentence-transformers is not installed",
    )
    rows = [(f"q {n}", f"the cat {n}", f"the mat {n}") for n in range(5)]
    task, batch, outputs = batch_of(*rows)
    made = task.embeddings(outputs, batch).view(5, 3, -1)
    theirs = losses.MultipleNegativesRankingLoss(model=None)
    expected = theirs.compute_loss_from_embeddings([made[:, n] for n in range(3)], None)
    assert float(task.loss(outputs, batch)) == pytest.approx(float(expected), rel=1e-5)


def test_any_column_of_texts_can_be_embedded(tmp_path):
    path = written(tmp_path / "a.jsonl", [{"ask": "q", "positive": "p"}] * 3)
    spec = task_from_files(path, kind="retrieval", text="ask").spec
    task = trained_task(spec, "retrieval", ())
    from autopelt.data.readers import Table

    def read(columns, **named):
        return unlabelled(task, Table(columns, "a"), named)["query"][:]

    assert read({"ask": ["x"], "query": ["y"]}) == ["x"]
    assert read({"document": ["x"]}) == ["x"]
    assert read({"ask": ["x"], "other": ["y"]}, text="other") == ["y"]


def test_an_encoder_decoder_is_refused():
    with pytest.raises(UsageError, match="use an encoder or a decoder"):
        tiny("t5", Retrieval("r", "", NOWHERE))
