"""Objectives by name."""

import pytest

from autopelt.errors import UsageError
from autopelt.study.objectives import Objectives


def test_score_alone_or_with_params() -> None:
    assert Objectives.parse("score").names == ("score",)
    assert Objectives.parse(" score , params").directions == ["maximize", "minimize"]


def test_measured_costs_come_after_params() -> None:
    assert Objectives.parse("score,params").measured == ()
    assert Objectives.parse("score,params,latency,memory").measured == ("latency", "memory")
    assert set(Objectives.parse("score,params,memory").directions[1:]) == {"minimize"}
    with pytest.raises(UsageError, match="score,params,latency"):
        Objectives.parse("score,latency")


@pytest.mark.parametrize("text", ["", ",", "params", "score,score", "scores", "params,score"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="score"):
        Objectives.parse(text)


def test_a_limit_is_a_cost_that_need_not_be_minimised() -> None:
    made = Objectives.parse("both, latency<1.2x, memory <= 200MiB")
    assert made.best_too
    assert made.limits == (("latency", 1.2), ("memory", 200 * 2**20))
    assert made.directions == ["maximize", "minimize"]
    assert made.measured == ()
    assert made.watched == ("latency", "memory")
    assert Objectives.parse("score,forgetting<0.05").names == ("score",)
    minimised = Objectives.parse("score,params,memory,latency<1,memory<1GiB")
    assert minimised.measured == ("memory",)
    assert minimised.watched == ("memory", "latency")


@pytest.mark.parametrize(
    "text", ["both,latency<1.2", "score,forgetting<0.1,drift<1e-05", "score,params,memory<200MiB"]
)
def test_limits_are_written_as_they_are_read(text: str) -> None:
    assert str(Objectives.parse(text)) == text
    assert Objectives.parse(str(Objectives.parse(text))) == Objectives.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("both,latency<5ms", "latency, times the bare backbone's; write it like latency<1.2"),
        ("both,latency<0.9", "latency<1.2"),
        ("both,memory<lots", "memory<200MiB"),
        ("both,drift<nan", "drift<0.05"),
        ("both,drift<", "drift<0.05"),
        ("both,forgetting<-1", "forgetting<0.05"),
        ("both,latencies<2", "did you mean 'latency'"),
        ("both,params<2", "'params' of limit"),
        ("both,drift<1,drift<2", "twice"),
        ("both,latency", "both"),
        ("latency<1.2", "score"),
    ],
)
def test_a_limit_that_is_none_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        Objectives.parse(text)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
