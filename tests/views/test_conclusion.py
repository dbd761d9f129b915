"""The last words of a search name the verdict, the report, and commands that go on."""

from dataclasses import replace
from pathlib import Path

from small_record import STUDY

from autopelt.cards.verdict import lead, verdict
from autopelt.views.conclusion import conclusion


def test_it_says_what_was_found_and_what_to_do_with_it() -> None:
    lines = conclusion(STUDY, Path("reports/a")).splitlines()
    assert lines[0] == lead(verdict(STUDY)).splitlines()[0]
    assert "Best: accuracy 0.8000 with 200 parameters (0.200%), one random" in "\n".join(lines)
    assert "Report:  reports/a/index.html" in lines
    assert "Confirm: autopelt confirm reports/a" in lines
    assert lines[-2].startswith("Train:   autopelt train reports/a")
    assert lines[-1].endswith(" --to autopelt --out reports/a-export")


def test_it_says_that_nothing_finished_within_the_budget() -> None:
    words = conclusion(replace(STUDY, trials=STUDY.trials[3:]), Path("reports/a"))
    assert words.startswith(f"No trial within the budget of {STUDY.limit:,} parameters finished.")
