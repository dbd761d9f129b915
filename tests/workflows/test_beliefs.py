"""Trainings again in a running search, and what it believes: whatever sampler proposes."""

from pathlib import Path

import pytest
from small_search import Quiet, plan
from untrained_trials import add_trial

from autopelt.architecture.architecture import Architecture
from autopelt.errors import UsageError
from autopelt.methods.module import Module
from autopelt.samplers import make_sampler
from autopelt.study.storage import StudyStorage
from autopelt.workflows.beliefs import less_trained
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


def test_the_rival_by_hand_is_trained_as_often_as_what_was_found(
    tiny_bert: Path, tmp_path: Path
) -> None:
    """Four lucky trainings were called surely better than a single one, which was unlucky."""
    made = plan(tiny_bert, trials=9, epochs=1, seeds="lora-r1", repeats="4")
    study = StudyStorage.create(
        tmp_path / "s", made.config, made.facts, make_sampler("random", made.space, 0)
    )
    by_hand = made.seeds[0].architecture
    found = Architecture((Module("lora", "attention.value", 1, 2),))
    assert less_trained(study.record()) is None
    for number, (label, architecture, score) in enumerate(
        [("lora-r1", by_hand, 0.6), ("", found, 0.8), ("", found, 0.82)]
    ):
        deployed = add_trial(study, made, number, label, architecture)
        study.complete(number, score, deployed)
        behind = less_trained(study.record())
        assert (behind is not None) == (number == 2)
    assert behind is not None
    assert behind.number == 0
    add_trial(study, made, 3, "lora-r1", by_hand)  # it runs
    assert less_trained(study.record()) is None


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
