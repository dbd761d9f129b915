"""Somebody sets the system's clock while a study runs: an hour back, a day forward."""

import time
from itertools import cycle
from pathlib import Path

import pytest

from autopelt.cli.main import main
from autopelt.study.storage import StudyStorage
from autopelt.system.clock import now

HOUR, DAY = 3600.0, 86400.0


def test_it_is_the_time_of_day_until_somebody_sets_that(monkeypatch: pytest.MonkeyPatch) -> None:
    assert abs(now() - time.time()) < 60
    before = now()
    for jump in (-HOUR, DAY):
        monkeypatch.setattr(time, "time", lambda real=time.time, by=jump: real() + by)
        assert 0 <= now() - before < 60


def test_no_trial_takes_less_than_nothing_or_a_day(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps, real = cycle([0.0, -HOUR, DAY]), time.time
    monkeypatch.setattr(time, "time", lambda: real() + next(jumps))
    words = "search --task demo --train-examples 16 --epochs 1 --space tiny --budget 4% --trials 3"
    places = [
        "--seeds",
        "head-only,lora-r1",
        "--model",
        str(tiny_bert),
        "--out",
        str(tmp_path / "s"),
    ]
    begun = time.monotonic()
    assert main([*words.split(), *places]) == 0
    spent = time.monotonic() - begun
    trials = StudyStorage.open(tmp_path / "s").record().trials
    assert len(trials) == 3
    assert all(t.finished - t.started == t.took for t in trials)
    assert all(0 < t.took < spent for t in trials)
