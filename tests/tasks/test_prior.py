"""What is known of the labels before a text is read."""

import math

import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from autopelt.tasks import make_task
from autopelt.tasks.prior import constant_score, constant_scores, log_shares


@given(labels=st.lists(st.integers(0, 3), max_size=50))
def test_shares_are_finite_and_sum_to_one(labels):
    shares = log_shares(labels, 4)
    assert sum(map(math.exp, shares)) == pytest.approx(1)
    assert shares[3] == pytest.approx(math.log((labels.count(3) + 1) / (len(labels) + 4)))


def test_a_constant_answer_is_scored_by_the_metric():
    task = make_task("rte")
    train, split = Dataset.from_dict({"label": [1, 1, 0]}), Dataset.from_dict({"label": [0, 1]})
    assert constant_scores(task, train, split) == {"accuracy": 0.5}
    assert constant_score(task, train, split) == 0.5
    assert constant_score(task, train, split.select([])) is None
