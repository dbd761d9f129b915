"""Rates of hand-made architectures go on where the best is at an end, and no longer than that."""

from dataclasses import replace

import pytest
from study_facts import config

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.methods.module import Module
from autopelt.space.space import SearchSpace
from autopelt.study.facts import BackboneFacts, TaskFacts
from autopelt.study.record import COMPLETE, StudyRecord, TrialRecord
from autopelt.workflows.rate_sweep import next_rate

SPACE = SearchSpace.load("pelt")


def record(
    scores: dict[tuple[str, float], float], total: int = 40, space: SearchSpace = SPACE
) -> StudyRecord:
    """Of trials of hand-made architectures, by name and rate."""
    trials = []
    for (name, rate), score in scores.items():
        size = 1 + sorted({n for n, _ in scores}).index(name)
        architecture = Architecture((Module("lora", "attention.query", 0, size),), rate)
        label = name + ("" if rate == 1 else f" x{rate:g}")
        trials.append(
            TrialRecord(
                len(trials),
                architecture,
                Count(size, size, 1000),
                COMPLETE,
                label=label,
                score=score,
            )
        )
    facts = BackboneFacts(), TaskFacts(), 0, {}
    made_of = config().model_copy(update={"space": space})
    return StudyRecord("s", made_of, "", "accuracy", 100, *facts, tuple(trials), total)


def test_twice_the_highest_where_that_is_best() -> None:
    found = next_rate(record({("a~", 1): 0.7, ("a~", 4): 0.8, ("b", 1): 0.6}))
    assert found is not None
    assert (found.label, found.architecture.learning_rate_multiplier) == ("a~ x8", 8)
    assert found.origin == "seed"


def test_half_the_lowest_where_that_is_best() -> None:
    found = next_rate(record({("a", 1): 0.8, ("a", 4): 0.7}))
    assert found is not None
    assert found.label == "a x0.5"


@pytest.mark.parametrize(
    "scores",
    [
        {("a", 1): 0.8},  # nothing is known of its rates
        {("a", 1): 0.7, ("a", 4): 0.8, ("a", 8): 0.75},  # the best is inside
        {("a", 4): 0.7, ("a", 8): 0.8},  # the space ends there
        {("a", 1): 0.9, ("b", 1): 0.85, ("c", 1): 0.7, ("c", 4): 0.8},  # it does not lead
    ],
)
def test_it_ends(scores: dict[tuple[str, float], float]) -> None:
    assert next_rate(record(scores)) is None


def test_it_takes_four_trainings_at_most_and_fewer_of_a_short_study() -> None:
    both = {("a", 1): 0.7, ("a", 4): 0.8, ("b", 1): 0.7, ("b", 4): 0.79}
    assert next_rate(record(both, 9)) is None
    one = both | {("a", 8): 0.81}
    assert next_rate(record(one, 19)) is None
    found = next_rate(record(one, 40))
    assert found is not None
    assert found.label == "b x8"
    four = one | {("b", 8): 0.8, ("c", 1): 0.9, ("c", 4): 0.8, ("c", 0.5): 0.95, ("c", 0.25): 0.96}
    assert next_rate(record(four, 40)) is None


def test_the_best_small_one_goes_on_from_the_higher_rate() -> None:
    large = Architecture((Module("lora", "attention.query", 0, 50),))
    known = record({("a", 4): 0.6, ("b", 4): 0.7})
    scores = {1: 0.9, 4: 0.95, 8: 0.9}
    sized = [
        TrialRecord(
            10 + rate,
            replace(large, learning_rate_multiplier=rate),
            Count(50, 50, 1000),
            COMPLETE,
            label=f"large x{rate}",
            score=score,
        )
        for rate, score in scores.items()
    ]
    both = replace(known, trials=(*known.trials, *sized))
    found = next_rate(both)
    assert found is not None
    assert found.label == "b x8"
    assert next_rate(replace(known, trials=tuple(sized))) is None


def test_a_list_of_rates_has_no_more_than_its_values() -> None:
    space = SPACE.model_copy(update={"learning_rate_multiplier": (0.5, 1.0, 2.0)})
    assert next_rate(record({("a", 1): 0.7, ("a", 2): 0.8}, space=space)) is None
    found = next_rate(record({("a", 1): 0.8, ("a", 2): 0.7}, space=space))
    assert found is not None
    assert found.label == "a x0.5"
    over = record({("a", 1): 0.7, ("a", 4): 0.8})
    assert next_rate(replace(over, limit=0)) is None
