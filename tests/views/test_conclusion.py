"""The last words of a search name the verdict, the report, and commands that go on."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_studies import made_up
from small_record import AGAIN, STUDY

from autopelt.cards.verdict import lead, sentences
from autopelt.system.folded import cells, folded
from autopelt.views.conclusion import conclusion
from autopelt.views.tables import front_table
from autopelt.views.terminal import NARROW, so_far, trial_line


def test_it_says_what_was_found_and_what_to_do_with_it() -> None:
    study = replace(STUDY, trials=STUDY.trials[:4], total=4)
    lines = conclusion(study, Path("reports/a")).splitlines()
    assert lines[0] == lead(STUDY)
    assert lines[1] == (
        "At this budget: +0.100, 95% interval +0.016 to +0.184; 1 training each."
    ), "what the first line does not say"
    others = [f"{what}: {said}" for what, said in sentences(STUDY)[1:]]
    assert lines[2 : 2 + len(others)] == others
    assert "Best: accuracy 0.8000 with 200 parameters (0.200%), one random" in "\n".join(lines)
    assert "Report:  reports/a/index.html" in lines
    assert lines[-4] == (
        "Next:    Find out whether the gain is real, with fresh random seeds and unseen examples."
    )
    assert lines[-3] == "         autopelt confirm reports/a"
    assert lines[-2].startswith("Train:   autopelt train reports/a")
    assert lines[-1].endswith(" --to autopelt --out reports/a-export")


def test_it_says_what_is_expected_after_trainings_again() -> None:
    words = conclusion(AGAIN, Path("reports/a"))
    assert (
        "Best: accuracy expected 0.765 from 3 trainings (observed 0.740 to 0.800) with 200 "
        "parameters (0.200%), selection split." in words
    )
    assert "At this budget: +0.065" in words, "the sentence before it is not said again"
    assert "the best made by hand, lora-r8" in words


def test_it_says_that_nothing_finished_within_the_budget() -> None:
    words = conclusion(replace(STUDY, trials=STUDY.trials[3:]), Path("reports/a"))
    assert words.startswith(f"No trial within the budget of {STUDY.limit:,} parameters finished.")


@pytest.mark.parametrize("width", range(60, 141, 4))
def test_all_that_is_said_of_a_study_fits_a_terminal_by_whole_words(width: int) -> None:
    for number in range(width, width + 6):
        study = made_up(number)
        texts = [conclusion(study, Path("reports/a")), *so_far(study)]
        texts += [trial_line(t, study, narrow=width < NARROW) for t in study.trials]
        for text in texts:
            lines = folded(text, width).split("\n")
            assert [line for line in lines if cells(line) > width] == []
            assert " ".join(lines).replace(" \\ ", " ").split() == text.split()
        table = front_table(study)
        head, body = table.lines(width)
        assert [line for line in head + body if cells(line) > width] == []
        assert all(row[0] in " ".join(body).split() for row in table.rows)


def test_no_term_is_used_that_was_not_explained() -> None:
    for number in range(60):
        study = made_up(number)
        said = " ".join([conclusion(study, Path("a")), *so_far(study)]).lower()
        assert not re.search(r"trunk|rung|posterior|ehvi|hypervolume|canonical|surrogate", said)
