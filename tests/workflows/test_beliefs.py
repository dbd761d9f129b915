"""Trainings again in a running search, and what it believes: whatever sampler proposes."""

from pathlib import Path

import pytest
from small_search import Quiet, plan

from autopelt.errors import UsageError
from autopelt.workflows.search import search
from autopelt.workflows.settings import resolve_config


@pytest.mark.parametrize("sampler", ["pelt", "random"])
def test_the_last_trials_train_contenders_again(
    sampler: str, tiny_bert: Path, tmp_path: Path
) -> None:
    made = plan(tiny_bert, trials=8, repeats="3", sampler=sampler, workers=1, epochs=1)
    record = search(made, tmp_path / "study", Quiet())
    assert [t.origin for t in record.trials].count("repeat") == 3
    for trial in record.trials[-3:]:
        assert trial.origin == "repeat"
        first = record.trials[trial.repeats or 0]
        assert first.origin != "repeat"
        assert first.architecture == trial.architecture
        assert first.random_seed != trial.random_seed
        assert record.feasible(trial)
    trained = {t.architecture.id for t in record.complete}
    assert set(record.beliefs) == trained
    assert max(b.trainings for b in record.beliefs.values()) >= 2
    assert all(0 < b.learns < 1 for b in record.beliefs.values())


def test_a_study_that_goes_on_trains_a_fifth_again_in_all(tiny_bert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    search(plan(tiny_bert, trials=5, workers=1, epochs=1), folder, Quiet())
    record = search(plan(tiny_bert, trials=10, workers=1, epochs=1), folder, Quiet())
    repeated = [t.number for t in record.trials if t.origin == "repeat"]
    assert repeated == [4, 9]


def test_none_where_they_are_off(tiny_bert: Path, tmp_path: Path) -> None:
    record = search(plan(tiny_bert, trials=5, repeats="off", epochs=1), tmp_path / "study", Quiet())
    assert all(t.origin != "repeat" and t.repeats is None for t in record.trials)


def test_a_number_is_wanted() -> None:
    with pytest.raises(UsageError, match="repeats"):
        resolve_config(None, {"task": "demo", "repeats": "some"})
