"""A page of a long study draws some of its trials, counts all, and stays small."""

from dataclasses import replace

import pytest

from autopelt.cards import (
    calibration,
    front,
    learning_curves,
    parallel_coordinates,
    progress,
    timeline,
    trials_table,
)
from autopelt.cards.shown import MOST, left_out, shown
from autopelt.report.page import page, study_values
from autopelt.study.record import StudyRecord

TIMES = 40


@pytest.fixture(scope="module")
def long(example: StudyRecord) -> StudyRecord:
    """The example again and again, each time at other rates and somewhat worse."""
    times = [s for t in example.trials for s in (t.started, t.finished) if s is not None]
    lasts = max(times) - min(times)
    trials = []
    for i in range(TIMES):
        for t in example.trials:
            rate = t.architecture.learning_rate_multiplier * 2 ** (-i / 100)
            moved = [None if s is None else s + i * lasts for s in (t.started, t.finished)]
            trials.append(
                replace(
                    t,
                    number=len(trials),
                    architecture=replace(t.architecture, learning_rate_multiplier=rate),
                    score=None if t.score is None else t.score - 0.001 * i,
                    label="" if i else t.label,
                    started=moved[0],
                    finished=moved[1],
                )
            )
    return replace(example, trials=tuple(trials), total=len(trials))


def test_of_a_short_study_all_trials_are_drawn(example: StudyRecord) -> None:
    assert shown(example) == list(example.trials)
    assert left_out(example) == ""


def test_of_a_long_one_what_somebody_looks_for(long: StudyRecord) -> None:
    drawn = shown(long)
    numbers = [t.number for t in drawn]
    assert len(numbers) == MOST
    assert numbers == sorted(set(numbers))
    chosen = {t.number for t in (*long.front, *long.ranked[:20])}
    assert chosen | {t.number for t in long.trials if t.label} <= set(numbers)
    # The rest from first to last: no tenth of the study is without any.
    tenth = len(long.trials) // 10
    assert {n // tenth for n in numbers} >= set(range(10))


def test_cards_draw_these_and_count_all(long: StudyRecord) -> None:
    every = len(long.trials)
    made = trials_table.card(long)
    assert made.lead.startswith(f"{every} of {every} trials: ")
    assert f"All {every:,} are in trials.csv." in made.lead
    assert len(made.table.rows) == sum(n for _, n in made.table.filters) == MOST
    assert f"{every:,} trials took" in timeline.card(long).lead
    for module in (calibration, learning_curves, parallel_coordinates, progress):
        assert 0 < len(module.card(long).table.rows) <= MOST + len(long.front) + 20
    assert len(front.front(long).points) <= MOST
    whole, drawn = progress.steps(long), progress.card(long).table.rows
    assert len(whole) == len(long.complete)
    assert {s.trial.number for s in whole[-1:] if s.value > whole[-2].value} <= {
        r.trial for r in drawn
    }


def test_the_page_of_a_long_study_is_small(long: StudyRecord) -> None:
    values = study_values(long, [])
    assert len(values["trials"]) == MOST
    assert values["csv"].count("\n") > len(long.trials)
    assert len(page(long)) < 4e6
