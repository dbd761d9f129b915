"""What workers tell reaches the search once, and in order."""

import json
from typing import Any

import pytest

from autopelt.architecture.architecture import Architecture
from autopelt.execution.searcher import Feed
from autopelt.execution.source import Outcome
from autopelt.study.config import TrainingConfig
from autopelt.training.spec import Setup, TrialSpec


class Source:
    """Gives one trial and notes what it is told."""

    def __init__(self) -> None:
        setup = Setup("minilm", "demo")
        training = TrainingConfig(epochs=2)
        self.left = [TrialSpec(7, Architecture().to_json(), 0, setup, training)]
        self.told: list[tuple[Any, ...]] = []

    def next(self) -> TrialSpec | None:
        return self.left.pop() if self.left else None

    def doing(self, number: int, text: str) -> None:
        self.told.append(("doing", number, text))

    def progressed(self, number: int, result: dict[str, Any]) -> None:
        self.told.append(("epoch", number, result["epoch"]))

    def stops(self, number: int) -> str:
        self.told.append(("stops", number))
        return ""

    def finished(self, number: int, outcome: Outcome) -> None:
        self.told.append(("finished", number, outcome.failed))


def result(**told: Any) -> dict[str, Any]:
    return {"told": json.dumps([{"number": 7, **told}])}


@pytest.fixture
def feed() -> tuple[Feed, Source]:
    source = Source()
    made = Feed(source)
    assert [spec.number for spec in made.suggest("a")["specs"]] == [7]
    return made, source


def test_an_epoch_that_ray_tells_twice_is_heard_once(feed: tuple[Feed, Source]) -> None:
    made, source = feed
    for epoch in (1, 1, 2, 2):
        assert not made.stops("a", result(epoch=epoch))
    made.on_trial_complete("a", result(epoch=2))
    assert source.told == [
        ("epoch", 7, 1),
        ("stops", 7),
        ("epoch", 7, 2),
        ("finished", 7, ""),
    ]


def test_what_comes_before_the_first_epoch_is_told_and_stops_nothing(
    feed: tuple[Feed, Source],
) -> None:
    made, source = feed
    assert not made.stops("a", result(doing="loading"))
    assert source.told == [("doing", 7, "loading")]


def test_a_trial_that_fails_has_no_epoch(feed: tuple[Feed, Source]) -> None:
    made, source = feed
    made.stops("a", result(epoch=1))
    made.stops("a", result(failed="loss is nan"))
    made.on_trial_complete("a", result(failed="loss is nan"))
    assert source.told[-1] == ("finished", 7, "loss is nan")
    assert sum(entry[0] == "finished" for entry in source.told) == 1
