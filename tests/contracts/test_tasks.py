"""What every task must hold, whatever its kind: splits, rows, batches, losses, scores."""

import math
from dataclasses import replace
from itertools import product

import pytest
import torch
from tiny_data import MAKERS
from tiny_models import tiny
from transformers.modeling_outputs import SequenceClassifierOutput

from autopelt.errors import UsageError
from autopelt.tasks import Source, make_task
from autopelt.tasks.prior import constant_score

FAMILIES = {
    "demo": ("bert",),
    "classification": ("bert", "roberta", "gpt2", "t5", "bart"),
    "ordinal": ("bert", "gpt2"),
    "regression": ("bert", "gpt2"),
    "multi_label": ("bert", "gpt2"),
    "token_classification": ("bert", "roberta", "gpt2"),
    "question_answering": ("bert", "roberta", "gpt2", "t5", "bart"),
    "squad2": ("bert", "gpt2"),
    "generation": ("gpt2", "t5", "bart"),
    "chat": ("gpt2",),
    "multiple_choice": ("bert", "roberta", "gpt2"),
    "own_choices": ("bert", "gpt2"),
    "retrieval": ("bert", "roberta", "gpt2"),
}
UNBOUNDED = ("r2", "rmse", "mae")
PAIRS = [(kind, family) for kind, families in FAMILIES.items() for family in families]


@pytest.fixture(params=list(MAKERS))
def made(request, tmp_path):
    return MAKERS[request.param](tmp_path)


@pytest.fixture(params=PAIRS, ids="-".join)
def bench(request, tmp_path):
    """Task, model, tokeniser, splits and the encoded training split."""
    kind, family = request.param
    task, source = MAKERS[kind](tmp_path)
    splits = task.load(source, report=True)
    task, model, tokenizer = tiny(family, task)
    encoded = task.encode(splits.train, tokenizer, task.max_length)
    task.learn_from(encoded)
    return task, model, tokenizer, splits, encoded


def test_splits_are_disjoint_and_counted(made):
    task, source = made
    splits = task.load(source, report=True)
    texts = [{str(row) for row in part} for part in (splits.train, splits.selection, splits.report)]
    assert splits.facts.sizes == {
        "train": len(splits.train),
        "selection": len(splits.selection),
        "report": len(splits.report),
    }
    if task.name != "copa":
        assert not texts[0] & texts[1]
        assert not texts[0] & texts[2]
        assert not texts[1] & texts[2]
    assert {"origin", "source", "cut", "hash", "train", "selection"} <= set(splits.facts.stored())
    assert isinstance(splits.facts.notes, tuple)


def test_nothing_is_printed(made, capfd):
    task, source = made
    task.load(source, report=True)
    assert capfd.readouterr() == ("", "")


def test_a_search_never_reads_the_report_split(made):
    task, source = made
    parts = task.origin.find(source)
    if "report" not in parts.readers:
        return

    def refuse():
        raise AssertionError("the report split was read")

    class Guarded:
        def find(self, _source):
            return replace(parts, readers={**parts.readers, "report": refuse})

    task.origin = Guarded()
    splits = task.load(source)
    assert splits.report is None
    assert "report" not in splits.facts.sizes


def test_splits_depend_on_the_random_seed_alone(made):
    task, source = made
    first, again = task.load(source).facts.hash, task.load(source).facts.hash
    other = task.load(Source(source.data, source.train_examples, random_seed=1)).facts.hash
    assert first == again
    assert first != other


def test_fewer_training_examples_leave_selection_alone(made):
    task, source = made
    whole, few = task.load(Source(source.data)), task.load(Source(source.data, train_examples=10))
    assert len(few.train) == 10
    assert few.selection.to_list() == whole.selection.to_list()
    assert {str(row) for row in few.train} <= {str(row) for row in whole.train}


def test_a_task_is_made_again_from_its_spec(made):
    task, source = made
    again = make_task(task.spec)
    again.max_length = task.max_length
    assert again.spec == task.spec
    assert again.load(source).facts.hash == task.load(source).facts.hash
    assert again.labels == task.labels


def test_rows_have_their_length_and_keep_to_the_limit(bench):
    task, _, _, _, encoded = bench
    rows = encoded.to_list()
    for row in rows:
        ids = row["input_ids"]
        longest = max(map(len, ids)) if isinstance(ids[0], list) else len(ids)
        assert longest <= row["length"] <= task.max_length
        assert row["full_length"] >= row["length"]
    cut = [row for row in rows if row["full_length"] > row["length"]]
    said = " ".join(task.notes(encoded))
    assert bool(cut) == ("texts are longer" in said or "conversations are too long" in said)


def test_padding_does_not_change_a_prediction(bench):
    task, model, tokenizer, _, encoded = bench
    shortest = min(range(len(encoded)), key=lambda i: encoded[i]["length"])
    longest = max(range(len(encoded)), key=lambda i: encoded[i]["length"])
    alone = task.collate([encoded[shortest]], tokenizer)
    together = task.collate([encoded[shortest], encoded[longest]], tokenizer)
    with torch.no_grad():
        single = task.predictions(model(**task.inputs(alone)), alone)
        both = task.predictions(model(**task.inputs(together)), together)
    assert len(both) == 2
    torch.testing.assert_close(
        torch.as_tensor(single[0], dtype=torch.float64),
        torch.as_tensor(both[0], dtype=torch.float64),
        rtol=1e-4,
        atol=1e-5,
    )


def test_the_loss_of_the_scores_is_the_models_own(bench):
    task, model, tokenizer, _, encoded = bench
    model.eval()
    batch = task.collate([encoded[i] for i in range(8)], tokenizer)
    with torch.no_grad():
        outputs = model(**task.inputs(batch))
        expected = model(**batch).loss if task.writes else task.loss(outputs, batch)
        assert float(task.loss_of_scores(outputs, batch)) == pytest.approx(float(expected), 1e-5)


def test_training_lowers_the_loss(bench):
    task, model, tokenizer, _, encoded = bench
    batch = task.collate([encoded[i] for i in range(8)], tokenizer)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(8):
        loss = task.loss(model(**task.inputs(batch)), batch)
        assert loss.shape == ()
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert all(map(math.isfinite, losses))
    assert min(losses[1:]) < losses[0]


def test_one_prediction_a_row_and_the_metric_first(bench):
    task, model, tokenizer, splits, _ = bench
    encoded = task.encode(splits.selection, tokenizer, task.max_length)
    predictions = []
    for start in range(0, len(encoded), 8):
        rows = [encoded[i] for i in range(start, min(start + 8, len(encoded)))]
        batch = task.collate(rows, tokenizer)
        with torch.inference_mode():
            found = task.predict(model, batch, tokenizer)
        assert len(found) == len(rows)
        predictions += found
    scores = task.score(predictions, encoded)
    assert next(iter(scores)) == task.metric.name
    assert all(math.isfinite(value) for value in scores.values())
    bounded = [value for name, value in scores.items() if name not in UNBOUNDED]
    assert all(-1 <= value <= 1 for value in bounded)
    with pytest.raises(ValueError, match="predictions, but"):
        task.score(predictions[:-1], encoded)


def test_right_predictions_score_one(bench):
    task, _, tokenizer, splits, _ = bench
    encoded = task.encode(splits.train, tokenizer, 160)
    scores = task.score([_right(task, row) for row in encoded], encoded)
    assert scores[task.metric.name] == pytest.approx(1.0, abs=0.02)


def _right(task, row):
    """A prediction that says what the example says."""
    if task.kind == "token_classification":
        return [max(label, 0) for label in row["labels"]]
    if task.kind == "question_answering":
        scores = torch.zeros(2, row["length"])
        scores[0, row["start_positions"]] = scores[1, row["end_positions"]] = 9.0
        return scores.numpy()
    if task.writes:
        return row["target"]
    if task.kind == "retrieval":
        one = torch.randn(16, generator=torch.Generator().manual_seed(row["keys"][1] % 2**31))
        return torch.stack([one, one]).numpy() / float(one.norm())
    return row["labels"]


def test_an_encoder_cannot_generate(tmp_path):
    task, _ = MAKERS["generation"](tmp_path)
    with pytest.raises(UsageError, match="is an encoder; use"):
        tiny("bert", task)


def test_an_encoder_decoder_cannot_tag(tmp_path):
    task, _ = MAKERS["token_classification"](tmp_path)
    with pytest.raises(UsageError, match="use an encoder or a decoder"):
        tiny("t5", task)


def test_the_prior_is_the_best_prediction_without_a_text(bench):
    task, _, tokenizer, _, encoded = bench
    prior = task.prior(encoded)
    if task.kind in ("question_answering", "generation", "chat", "multiple_choice", "retrieval"):
        assert prior is None
        return
    assert len(prior) == task.outputs
    batch = task.collate(encoded.to_list(), tokenizer)

    def loss(constant):
        shape = batch["labels"].shape[: 1 if task.kind == "multi_label" else None]
        logits = constant.expand(*shape, -1)
        return float(task.loss_of_scores(SequenceClassifierOutput(logits=logits), batch))

    best = torch.tensor(prior)
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        assert loss(best) < loss(best + 0.5 * torch.randn(len(prior), generator=generator))


def test_the_constant_answer_is_the_best_of_all_constant_ones(bench):
    task, _, _, splits, encoded = bench
    answer = task.constant(encoded)
    if getattr(task, "abstains", False):
        gold = [answers != [""] for answers in splits.train["answers"]]
        reached = constant_score(task, splits.train, splits.train)
        assert reached == pytest.approx(1 - sum(gold) / len(gold))
        assert task.score([answer] * len(encoded), encoded)["f1"] == pytest.approx(reached)
        return
    if task.writes or task.kind in ("question_answering", "token_classification", "retrieval"):
        assert answer is None
        assert constant_score(task, splits.train, splits.selection) is None
        return
    assert task.constant(splits.train) == answer  # raw and encoded examples have the same labels
    reached = task.score([answer] * len(encoded), encoded)[task.metric.name]
    others = range(len(task.labels)) if task.labels else (0.0, 1.0)
    if task.kind == "multi_label":
        others = product((0.0, 1.0), repeat=len(task.labels))
    for other in others:
        assert task.score([other] * len(encoded), encoded)[task.metric.name] <= reached + 1e-12
    assert constant_score(task, splits.train, splits.train) == pytest.approx(reached)
    assert constant_score(task, splits.train, splits.train.select([])) is None
