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
