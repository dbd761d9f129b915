"""Prompts are cut, the loss is the model's own, and texts do not depend on the rest of a batch."""

import math

import pytest
import torch
from datasets import Dataset
from tiny_models import tiny

from autopelt.errors import UnavailableError, UsageError
from autopelt.tasks import make_task
from autopelt.tasks.generation import Generation

NOWHERE = None  # these tasks are never loaded


def _pairs(source, target):
    return Dataset.from_dict({"source": [source], "target": [target]})


@pytest.mark.parametrize("family", ["gpt2", "t5", "bart"])
def test_the_loss_is_the_models_own(family):
    task, model, tokenizer = tiny(family, Generation("g", "", NOWHERE, scores=("loss",)))
    data = Dataset.from_dict(
        {"source": ["the cat", "a"], "target": ["dog sat", "the old red house"]}
    )
    encoded = task.encode(data, tokenizer, 32)
    batch = task.collate(encoded.to_list(), tokenizer)
    with torch.no_grad():
        outputs = model(**task.inputs(batch))
        own = float(model(**batch).loss)
    assert float(task.loss(outputs, batch)) == pytest.approx(own, rel=1e-5)
    scored = task.score(task.predictions(outputs, batch), encoded)
    assert scored["loss"] == pytest.approx(own, rel=1e-5)
    assert scored["perplexity"] == pytest.approx(math.exp(own), rel=1e-5)


@pytest.mark.parametrize("family", ["gpt2", "t5", "bart"])
def test_generation_does_not_depend_on_the_rest_of_the_batch(family):
    task, model, tokenizer = tiny(family, Generation("g", "", NOWHERE, scores=("exact_match",)))
    data = Dataset.from_dict(
        {"source": ["the cat", "a man is playing a large flute"], "target": ["x", "y z"]}
    )
    task.learn_answers(data, tokenizer)
    rows = task.encode(data, tokenizer, 32).to_list()
    together = task.predict(model, task.collate(rows, tokenizer), tokenizer)
    alone = [task.predict(model, task.collate([row], tokenizer), tokenizer)[0] for row in rows]
    assert together == alone


def test_a_missing_sacrebleu_names_the_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(UnavailableError, match=r"pip install 'autopelt\[seq2seq\]'"):
        tiny("t5", make_task("ntrex-en-sl"))
    tiny("t5", Generation("g", "", NOWHERE, scores=("rougeL",)))


def test_an_unknown_score_is_refused():
    with pytest.raises(UsageError, match="did you mean 'rougeL'"):
        Generation("g", "", NOWHERE, scores=("rougel",))


@pytest.mark.parametrize("family", ["gpt2", "t5", "bart"])
def test_what_was_learnt_by_heart_is_generated(family):
    task, model, tokenizer = tiny(family, Generation("g", "", NOWHERE, scores=("exact_match",)))
    source = ["the cat", "a man is playing", "Anna Novak works", "because it rained"]
    target = ["sat on the mat", "a large flute", "for Acme", "the game was lost"]
    encoded = task.encode(Dataset.from_dict({"source": source, "target": target}), tokenizer, 32)
    batch = task.collate(encoded.to_list(), tokenizer)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(150):
        loss = task.loss(model(**task.inputs(batch)), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    task.learn_answers(Dataset.from_dict({"target": target}), tokenizer)
    assert task.predict(model, batch, tokenizer) == target
    assert task.score(task.predict(model, batch, tokenizer), encoded)["chrf"] == 1.0


def test_lower_is_better_of_scores_of_the_loss():
    for name in ("loss", "perplexity"):
        task = Generation("g", "", NOWHERE, scores=(name,))
        scores = task.score([(2.0, 2), (4.0, 1)], Dataset.from_dict({"labels": [[1, 2], [3]]}))
        assert scores == pytest.approx({"loss": 2.0, "perplexity": math.exp(2)})
        assert next(iter(scores)) == name
        assert task.metric.value(scores) == -scores[name]
    endless = task.score([(1e6, 1)], Dataset.from_dict({"labels": [[1]]}))
    assert math.isfinite(endless["perplexity"])


class _Letters:
    """A token a letter."""

    def __call__(self, texts, **_):
        return {"input_ids": [list(text) for text in texts]}


def test_an_answer_may_be_as_long_as_the_training_targets_tell():
    task = Generation("g", "", NOWHERE)
    task.learn_answers(Dataset.from_dict({"target": ["x" * n for n in range(1, 101)]}), _Letters())
    assert task.room == 128
    task.learn_answers(Dataset.from_dict({"target": ["x"] * 5000}), _Letters())
    assert task.room == 10
