"""What a study knows: front, best and floor of its trials."""

import math
from dataclasses import replace

import pytest
from study_facts import config

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.methods.module import Module
from autopelt.study.facts import BackboneFacts, TaskFacts
from autopelt.study.record import COMPLETE, FAILED, Belief, StudyRecord, TrialRecord


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


def test_of_what_is_as_good_the_simplest_is_best() -> None:
    """Within a tenth of a standard deviation of the highest; beyond that the score decides."""
    simple = trial(0, 500, 0.8)
    parts = tuple(Module("lora", "ffn", layer, size) for layer, size in ((0, 1), (1, 4), (3, 2)))
    complex_ = replace(trial(1, 400, 0.8), architecture=Architecture(parts))
    for behind, best in ((0.0005, 0), (0.002, 1)):
        beliefs = {
            simple.architecture.id: Belief(0.8 - behind, 0.01, 1.0, 1),
            complex_.architecture.id: Belief(0.8, 0.01, 1.0, 1),
        }
        made = replace(record(simple, complex_), beliefs=beliefs)
        assert made.best is made.trials[best]
    assert replace(made, beliefs={}).best is complex_  # the smallest, as in studies of before


def test_of_the_simplest_the_one_nearest_to_its_own_rate_is_best() -> None:
    """Eight times the rate was picked for 0.003 more; of nine trainings it learned with four."""
    trials, beliefs = [], {}
    for number, (rate, mean) in enumerate(((8.0, 0.777), (6.73, 0.775), (5.66, 0.774))):
        made = trial(number, 100, 0.9)
        own = replace(made.architecture, learning_rate_multiplier=rate)
        trials.append(replace(made, architecture=own))
        beliefs[own.id] = Belief(mean, 0.04, 1.0, 1)
    best = replace(record(*trials), beliefs=beliefs).best
    assert best is not None
    assert best.architecture.learning_rate_multiplier == 5.66


def test_of_rates_that_are_alike_the_one_trained_most_is_best() -> None:
    """One training at four times the rate was picked, of four at 4.76 times none counted."""
    trials, beliefs = [], {}
    for number, (rate, trainings) in enumerate(((4.0, 1), (4.76, 4), (8.0, 9))):
        made = trial(number, 100, 0.9)
        own = replace(made.architecture, learning_rate_multiplier=rate)
        trials.append(replace(made, architecture=own))
        beliefs[own.id] = Belief(0.48, 0.02, 1.0, trainings)
    best = replace(record(*trials), beliefs=beliefs).best
    assert best is not None
    assert best.architecture.learning_rate_multiplier == 4.76


def test_one_study_answers_for_every_smaller_budget() -> None:
    made = record(trial(0, 900, 0.8), trial(1, 300, 0.7), trial(2, 40, 0.6), trial(3, 2000, 0.9))
    best = [made.best_within(limit) for limit in (39, 40, 299, 300, 1000, 5000)]
    assert [t and t.number for t in best] == [None, 2, 2, 1, 0, 0]  # never above its own budget
    assert made.best_within(made.limit) is made.best


def test_the_floor_is_the_head_alone_where_it_was_trained() -> None:
    assert record(trial(0, 500, 0.8), trial(1, 0, 0.6), trial(2, 50, 0.5)).floor == 0.6
    assert record(trial(0, 500, 0.8), trial(2, 50, 0.5)).floor == 0.5
    assert record().floor == 0.0
    assert record().best is None
    assert record().hypervolume() == 0.0


def test_hypervolume_counts_decades_below_the_budget() -> None:
    made = record(trial(0, 0, 0.5), trial(1, 100, 0.7))
    assert abs(made.hypervolume() - 0.2) < 1e-12


def again(first: TrialRecord, number: int, score: float | None) -> TrialRecord:
    """Another training of the same architecture."""
    state = FAILED if score is None else COMPLETE
    return replace(first, number=number, score=score, state=state, label="", repeats=first.number)


def test_trainings_of_one_architecture_are_one_choice_with_their_mean() -> None:
    lucky, steady = trial(0, 500, 0.9), trial(1, 600, 0.85, "lora-r8")
    made = record(
        lucky, steady, again(lucky, 2, 0.7), again(lucky, 3, 0.8), again(steady, 4, 0.84),
        again(steady, 5, None),
    )  # fmt: skip
    assert [t.number for t in made.architectures] == [0, 1]
    assert [t.number for t in made.trainings_of(made.trials[2])] == [0, 2, 3]
    assert [made.expected(t) for t in made.trials] == pytest.approx(
        [0.8, 0.845, 0.8, 0.8, *[0.845] * 2]
    )
    assert made.best is steady
    assert made.best_seed is steady
    assert [t.number for t in made.front] == [0, 1]
    assert made.belief(steady).trainings == 2
    assert made.hypervolume() == pytest.approx(math.log10(1000 / 600) * 0.045)


def test_what_is_believed_chooses_and_not_the_lucky_score() -> None:
    lucky, steady = trial(0, 500, 0.9), trial(1, 400, 0.85)
    trials = (lucky, steady, again(steady, 2, 0.86))
    beliefs = {
        lucky.architecture.id: Belief(0.83, 0.02, 0.9, 1),
        steady.architecture.id: Belief(0.852, 0.01, 1.0, 2),
    }
    assert record(*trials).best is lucky
    made = replace(record(*trials), beliefs=beliefs)
    assert made.best is steady
    assert made.front == [steady]
    assert made.belief(made.trials[2]) == beliefs[steady.architecture.id]


def test_beliefs_that_do_not_know_all_trainings_are_outdated() -> None:
    first = trial(0, 500, 0.9)
    known = {first.architecture.id: Belief(0.88, 0.01, 1.0, 1)}
    assert not replace(record(first), beliefs=known).outdated
    assert replace(record(first, again(first, 1, 0.8)), beliefs=known).outdated
    assert replace(record(first, trial(1, 100, 0.8)), beliefs=known).outdated
    assert not replace(record(first, trial(1, 100, None)), beliefs=known).outdated
    assert not record(first).outdated  # a study of before


def test_what_no_training_supports_is_never_picked() -> None:
    done, failed = trial(0, 500, 0.7), trial(1, 400, None)
    beliefs = {failed.architecture.id: Belief(0.99, 0.01, 1.0, 1), "dreamt": Belief(1, 0, 1, 1)}
    made = replace(record(done, failed), beliefs=beliefs)
    assert made.best is done
    assert made.front == [done]
    assert math.isnan(made.expected(failed))
    nothing = replace(record(done), beliefs={done.architecture.id: Belief(math.nan, 0.1, 1, 1)})
    assert nothing.expected(done) == 0.7


def test_a_training_that_learned_nothing_is_told_from_a_low_score() -> None:
    head, good, low = trial(0, 0, 0.5), trial(1, 100, 0.8), trial(2, 200, 0.56)
    made = record(head, good, low, again(good, 3, 0.51), again(good, 4, 0.7), again(low, 5, 0.51))
    assert [t.number for t in made.collapsed(good)] == [3]
    assert made.collapsed(low) == []  # nor did the best of them learn much
    assert record(good, again(good, 3, 0.51)).collapsed(good) == []  # nothing to tell it by


def test_the_time_of_a_trial_is_from_its_start_to_its_end() -> None:
    made = replace(trial(0, 5, 0.5), seconds={"train": 2.0, "propose": 1.0})
    assert made.took == 2.0
    assert replace(made, started=100.0, finished=112.5).took == 12.5
    assert trial(0, 5, 0.5).took is None
