"""The scheduler stops what it is told to stop, and hands on how a worker's trial broke."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ray.tune.schedulers import TrialScheduler

from autopelt.execution.scheduler import FrontScheduler


def trial(name: str, error_file: object = None) -> Any:
    return SimpleNamespace(trial_id=name, error_file=error_file)


def test_it_asks_after_each_result() -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def stops(name: str, result: dict[str, Any]) -> bool:
        asked.append((name, result))
        return name == "slow"

    scheduler = FrontScheduler(stops, lambda name, words: None)
    assert scheduler.on_trial_result(None, trial("good"), {"told": 1}) == TrialScheduler.CONTINUE
    assert scheduler.on_trial_result(None, trial("slow"), {"told": 2}) == TrialScheduler.STOP
    assert asked == [("good", {"told": 1}), ("slow", {"told": 2})]


def test_what_ray_wrote_of_a_broken_trial_is_handed_on(tmp_path: Path) -> None:
    broke: list[tuple[str, str]] = []
    scheduler = FrontScheduler(lambda name, result: False, lambda *told: broke.append(told))
    (tmp_path / "error.txt").write_text("the node died")
    scheduler.on_trial_error(None, trial("a", tmp_path / "error.txt"))
    scheduler.on_trial_error(None, trial("b", tmp_path / "none.txt"))
    scheduler.on_trial_error(None, trial("c"))
    assert broke == [("a", "the node died"), ("b", ""), ("c", "")]


def test_pickling_it_takes_nothing_of_the_study_along() -> None:
    scheduler = FrontScheduler(lambda name, result: False, lambda name, words: None)
    assert scheduler.__getstate__() == {}
