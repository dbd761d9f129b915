"""The schedule of the learning rate; what a member learns is tested where it trains."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.study.config import TrainingConfig
from autopelt.training.context import Context
from autopelt.training.loop import release, train_epochs
from autopelt.training.spec import Setup
from autopelt.training.trainee import schedule


@given(
    steps=st.integers(1, 3000), warmup=st.floats(0, 1), shape=st.sampled_from(["linear", "cosine"])
)
def test_a_schedule_rises_to_the_full_rate_and_falls_to_nothing(
    steps: int, warmup: float, shape: str
) -> None:
    factor = schedule(steps, warmup, shape)  # type: ignore[arg-type]
    rates = [factor(step) for step in range(steps + 1)]
    top = rates.index(max(rates))
    assert top == max(1, round(steps * warmup)) - 1
    assert rates[top] == pytest.approx(1.0)
    assert rates[0] > 0
    assert all(a < b for a, b in pairwise(rates[: top + 1]))
    assert all(a > b for a, b in pairwise(rates[top:]))
    assert rates[steps] == pytest.approx(0.0, abs=1e-12)


def test_a_cosine_stays_high_for_longer_and_ends_below() -> None:
    linear, cosine = (schedule(100, 0.1, shape) for shape in ("linear", "cosine"))  # type: ignore[arg-type]
    assert [cosine(step) for step in range(10)] == pytest.approx([linear(s) for s in range(10)])
    assert all(cosine(step) > linear(step) for step in range(12, 54))
    assert all(cosine(step) < linear(step) for step in range(56, 100))
    assert cosine(9 + 91 // 4) == pytest.approx((1 + math.cos(math.pi * (91 // 4) / 91)) / 2)


def test_trainings_differ_by_the_schedule_after_the_warm_up(tiny_bert: Path) -> None:
    context = Context(Setup(str(tiny_bert), "demo", train_examples=64))
    made = Architecture((Module("lora", "attention.query", 1, 2),))
    losses = {}
    for shape in ("linear", "cosine"):
        training = TrainingConfig(epochs=2, batch_size=8, schedule=shape)  # type: ignore[arg-type]
        try:
            losses[shape] = [r.loss for r in train_epochs(context, made, training, 5)]
        finally:
            release(context)
    assert losses["linear"] != losses["cosine"]
    assert losses["linear"] == pytest.approx(losses["cosine"], rel=0.05)
