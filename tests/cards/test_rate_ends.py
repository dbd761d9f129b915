"""A best learning rate at the end of what was tried is told, with what to do."""

from dataclasses import replace

import pytest
from small_record import STUDY, trial
from study_facts import config

from autopelt.cards.rate_ends import at_the_end
from autopelt.cards.verdict import sentences
from autopelt.space.space import SearchSpace
from autopelt.study.answer import answer
from autopelt.study.record import StudyRecord, TrialRecord

PELT = config(space=SearchSpace.load("pelt").of(writing=False))


def at(number: int, rate: float, score: float, label: str = "") -> TrialRecord:
    made = trial(number, 2 + (not label), score, label=label)
    return replace(made, architecture=replace(made.architecture, learning_rate_multiplier=rate))


def told(*trials: TrialRecord) -> str:
    study: StudyRecord = replace(STUDY, config=PELT, trials=trials, total=len(trials))
    made = answer(study)
    assert made is not None
    words = at_the_end(made, study)
    assert (words in dict(sentences(study)).values()) is bool(words)
    return words


@pytest.mark.parametrize(
    ("rates", "found", "words"),
    [
        ((1.0, 4.0), 1.0, "× 4 of lora-r8 x4; higher ones may do better, and more trials try"),
        ((1.0, 4.0), 8.0, "chosen: × 4 of lora-r8 x4 and × 8 of trial 9; higher"),
        (
            (4.0, 1.0),
            8.0,
            "× 8 of trial 9; higher ones may do better. Search again with autopelt search … --l",
        ),
        (
            (4.0, 1.0),
            0.125,
            "× 0.125 of trial 9; lower ones may do better. Search again with autopelt search … --l",
        ),
    ],
)
def test_an_end_is_told(rates: tuple[float, ...], found: float, words: str) -> None:
    """The last rate of what is made by hand is its best; 1 is the nearer of two."""
    by_hand = [at(n, rate, 0.6 + n / 100, f"lora-r8 x{rate:g}") for n, rate in enumerate(rates)]
    assert words in told(*by_hand, at(9, found, 0.7))


def test_what_is_in_the_middle_is_not() -> None:
    by_hand = [
        at(n, rate, s, f"lora-r8 x{rate:g}")
        for n, (rate, s) in enumerate([(1.0, 0.6), (4.0, 0.7), (8.0, 0.65)])
    ]
    assert told(*by_hand, at(9, 2.0, 0.7)) == ""
    assert told(at(0, 1.0, 0.6, "lora-r8"), at(9, 2.0, 0.7)) == ""
