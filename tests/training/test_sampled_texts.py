"""Texts beside the metric: for the same examples in every trial, within a quarter of its time."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from autopelt.tasks.generation import Generation
from autopelt.training.context import Split
from autopelt.training.sampled_texts import FIRST, SHARE, allowance, sampled_texts, samples


class Told:
    """A context whose model writes the right texts, each example taking some seconds."""

    def __init__(self, examples, generate, pace=0.0):
        self.task = Generation("g", "", None, scores=("loss",), generate=generate)
        self.task.answers = self._answers
        rows = [{"input_ids": [n], "length": 1 + n % 7, "target": f"{n}"} for n in range(examples)]
        encoded = Dataset.from_list(rows)
        self.splits = {"selection": Split(encoded, rows, [row["length"] for row in rows])}
        self.setup = SimpleNamespace(random_seed=0)
        self.model = SimpleNamespace(eval=lambda: None)
        self.tokenizer, self.pace, self.now = None, pace, 0.0
        self.asked = []

    def autocast(self):
        return nullcontext()

    def batch(self, split, indices):
        return [self.splits[split].rows[i] for i in indices]

    def _answers(self, model, batch, tokenizer):
        self.now += self.pace * len(batch)
        self.asked += [row["target"] for row in batch]
        return [row["target"] for row in batch]

    def clock(self):
        return self.now


@given(
    examples=st.integers(1, 200),
    generate=st.integers(1, 100),
    pace=st.floats(0.001, 10),
    train=st.floats(0, 1000),
    score=st.floats(0, 100),
)
def test_scoring_has_a_quarter_of_a_trial_at_most(examples, generate, pace, train, score):
    told, spent = Told(examples, generate, pace), {"train": train, "score": score, "load": 5.0}
    made = sampled_texts(told, "selection", allowance(spent), told.clock)
    wanted = min(generate, examples)
    least = min(FIRST, wanted)
    assert made.wanted == wanted
    assert least <= made.examples <= wanted
    assert len(told.asked) == made.examples == len(set(told.asked))
    if made.examples > least:
        assert score + told.now <= SHARE * (train + score + told.now) * (1 + 1e-9)
    if made.examples < wanted:
        twice = min(2 * made.examples, wanted)
        assert score + pace * twice > SHARE * (train + score + pace * twice) * (1 - 1e-9)
        assert f"for {made.examples} of {wanted} examples" in made.notes[0]
    else:
        assert made.notes == []
    assert made.scores["exact_match"] == 1


def test_a_smaller_sample_is_part_of_a_larger_one_in_every_trial():
    small, large, again = (Told(150, n, 1.0) for n in (8, 64, 64))
    for told in (small, large, again):
        sampled_texts(told, "selection", clock=told.clock)
    assert large.asked == again.asked
    assert len(large.asked) == 64
    assert set(small.asked) < set(large.asked)
    assert set(large.asked) != {f"{n}" for n in range(64)}


def test_texts_are_written_beside_a_metric_that_needs_none():
    assert samples(Generation("g", "", None, scores=("loss",), generate=8))
    assert samples(Generation("g", "", None, scores=("perplexity",), generate=8))
    assert not samples(Generation("g", "", None, scores=("loss",)))
    assert not samples(Generation("g", "", None, scores=("rougeL",), generate=8))


def test_scores_are_those_of_the_texts():
    told = Told(40, 20)
    made = sampled_texts(told, "selection")
    assert dict(made.scores) == pytest.approx(
        {"exact_match": 1.0, "rougeL": 1.0, "chrf": 1.0, "number_match": 1.0}
    )


def test_what_is_left_for_texts_is_a_quarter_of_all_less_what_scoring_took():
    assert allowance({"train": 9.0, "score": 1.0}) == pytest.approx(2.0)
    assert allowance({"train": 6.0, "trunk": 3.0, "load": 50.0}) == pytest.approx(3.0)
    assert allowance({"train": 3.0, "score": 2.0}) == 0.0
