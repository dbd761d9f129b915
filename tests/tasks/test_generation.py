"""Prompts are cut, the loss is the model's own, and texts do not depend on the rest of a batch."""

import math

import pytest
import torch
from datasets import Dataset
from tiny_models import tiny

from autopelt.errors import UnavailableError, UsageError
from autopelt.tasks import make_task
from autopelt.tasks.generation import Generation
from autopelt.tasks.padding import IGNORED

NOWHERE = None  # these tasks are never loaded


def _pairs(source, target):
    return Dataset.from_dict({"source": [source], "target": [target]})


def test_a_decoder_learns_the_target_alone_and_keeps_it_when_cut():
    task, _, tokenizer = tiny("gpt2", Generation("g", "", NOWHERE, scores=("loss",)))
    row = task.encode(_pairs("the cat", "a dog"), tokenizer, 64)[0]
    target = [t for t in row["labels"] if t != IGNORED]
    assert tokenizer.decode(target) == "a dog</s>"
    assert row["input_ids"][-len(target) :] == target
    long = task.encode(_pairs("the cat " * 50, "a dog"), tokenizer, 24)
    assert long[0]["length"] == 24
    assert [t for t in long[0]["labels"] if t != IGNORED] == target
    assert "1 of 1 texts are longer than 24 tokens" in task.notes(long)[0]
    prompt = long[0]["input_ids"][: -len(target)]
    whole = task.encode(_pairs("the cat " * 50, "a dog"), tokenizer, 999)[0]["input_ids"]
    half = (len(prompt) - 1) // 2  # the separator stands behind
    assert prompt[:half] == whole[:half]
    assert prompt[half:] == whole[: -len(target)][half - len(prompt) :]
    short = task.encode(_pairs("a", "the dog " * 50), tokenizer, 24)[0]
    assert short["length"] == 24  # a target takes what a short source leaves
    both = task.encode(_pairs("the cat " * 50, "a dog " * 50), tokenizer, 24)[0]
    assert sum(t != IGNORED for t in both["labels"]) == 12
    assert both["labels"][-1] == tokenizer.eos_token_id


def test_an_encoder_decoder_gets_prefix_and_end_token():
    task, _, tokenizer = tiny("t5", Generation("g", "", NOWHERE, prefix="the : "))
    row = task.encode(_pairs("cat", "the dog " * 60), tokenizer, 32)[0]
    assert tokenizer.decode(row["input_ids"], skip_special_tokens=True).startswith("the")
    assert len(row["labels"]) == 32
    assert row["labels"][-1] == tokenizer.eos_token_id
    assert "token_type_ids" not in row


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
