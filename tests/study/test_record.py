"""What a study knows: front, best and floor of its trials."""

from study_facts import config

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.methods.module import Module
from autopelt.study.facts import BackboneFacts, TaskFacts
from autopelt.study.record import COMPLETE, FAILED, StudyRecord, TrialRecord


def trial(number: int, deployed: int, score: float | None, label: str = "") -> TrialRecord:
    modules = (Module("lora", "ffn", number, 1),) if deployed else ()
    return TrialRecord(
        number,
        Architecture(modules),
        Count(deployed, deployed, 100_000),
        FAILED if score is None else COMPLETE,
        label=label,
        score=score,
    )


def record(*trials: TrialRecord) -> StudyRecord:
    return StudyRecord(
        "s",
        config(),
        "autopelt search",
        "accuracy",
        1000,
        BackboneFacts(),
        TaskFacts(),
        0,
        {},
        trials,
        len(trials),
    )


def test_what_is_over_the_budget_is_never_on_the_front() -> None:
    made = record(
        trial(0, 500, 0.8, "lora-r8"), trial(1, 2000, 0.99, "full"), trial(2, 100, 0.7),
        trial(3, 600, None), trial(4, 700, 0.75),
    )  # fmt: skip
    assert [t.number for t in made.front] == [2, 0]
    assert made.best is made.trials[0]
    assert made.best_seed is made.trials[0]
    assert [t.number for t in made.complete] == [0, 1, 2, 4]


def test_of_equal_scores_the_smallest_is_best() -> None:
    made = record(trial(0, 500, 0.8), trial(1, 100, 0.8))
    assert made.best is made.trials[1]


def test_the_floor_is_the_head_alone_where_it_was_trained() -> None:
    assert record(trial(0, 500, 0.8), trial(1, 0, 0.6), trial(2, 50, 0.5)).floor == 0.6
    assert record(trial(0, 500, 0.8), trial(2, 50, 0.5)).floor == 0.5
    assert record().floor == 0.0
    assert record().best is None
    assert record().hypervolume() == 0.0


def test_hypervolume_counts_decades_below_the_budget() -> None:
    made = record(trial(0, 0, 0.5), trial(1, 100, 0.7))
    assert abs(made.hypervolume() - 0.2) < 1e-12
