"""Objectives by name."""

import pytest

from autopelt.errors import UsageError
from autopelt.study.objectives import measured_costs, parse_objectives


def test_score_alone_or_with_params() -> None:
    assert [o.name for o in parse_objectives("score")] == ["score"]
    assert [o.direction for o in parse_objectives(" score , params")] == ["maximize", "minimize"]


def test_measured_costs_come_after_params() -> None:
    assert measured_costs("score,params") == ()
    assert measured_costs("score,params,latency,memory") == ("latency", "memory")
    assert {o.direction for o in parse_objectives("score,params,memory")[1:]} == {"minimize"}
    with pytest.raises(UsageError, match="score,params,latency"):
        parse_objectives("score,latency")


@pytest.mark.parametrize("text", ["", ",", "params", "score,score", "scores", "params,score"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="score"):
        parse_objectives(text)
