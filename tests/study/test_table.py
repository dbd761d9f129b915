"""trials.csv: a line a trial, whole for a program, harmless in a spreadsheet."""

import csv
import io
from dataclasses import replace

import pytest
from small_record import STUDY

from autopelt.architecture.architecture import Architecture
from autopelt.study.table import COLUMNS, trials_csv, trials_table


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_each_trial_is_a_line_that_gives_its_architecture_back() -> None:
    rows = read(trials_csv(STUDY))
    assert [int(row["trial"]) for row in rows] == [t.number for t in STUDY.trials]
    assert [Architecture.from_json(row["architecture_json"]) for row in rows] == [
        t.architecture for t in STUDY.trials
    ]
    assert [row["score"] for row in rows] == ["0.7", "0.8", "0.9", "", ""]
    assert rows[3]["reason"] == "the loss became nan"


def test_budget_and_front_are_told() -> None:
    rows = read(trials_csv(STUDY))
    assert [row["within_budget"] for row in rows] == ["True", "True", "False", "True", "True"]
    front = {t.number for t in STUDY.front}
    assert {int(row["trial"]) for row in rows if row["on_front"] == "True"} == front


def test_the_pages_own_table_leaves_the_json_out() -> None:
    (header, *_) = trials_csv(STUDY, structure=False).splitlines()
    assert header.split(",") == list(COLUMNS[:-1])


@pytest.mark.parametrize("label", ["=1+1", "+cmd", "-cmd", "@sum", "\tx", "\rx"])
def test_no_text_becomes_a_formula(label: str) -> None:
    (row,) = read(trials_csv(replace(STUDY, trials=(replace(STUDY.trials[0], label=label),))))
    assert row["label"] == "'" + label.replace("\r", "\n")


@pytest.mark.parametrize("reason", ["a\rb", "a\r\nb", "a,b", 'a"b'])
def test_every_text_can_be_read_back(reason: str) -> None:
    trials = (replace(STUDY.trials[3], reason=reason), STUDY.trials[0])
    first, second = read(trials_csv(replace(STUDY, trials=trials)))
    assert first["reason"] == reason.replace("\r\n", "\n").replace("\r", "\n")
    assert second["trial"] == "0"


def test_negative_numbers_stay_numbers() -> None:
    trial = replace(STUDY.trials[0], score=-0.5, scores=(-0.5, -0.25))
    (row,) = read(trials_csv(replace(STUDY, trials=(trial,))))
    assert (row["score"], row["scores"]) == ("-0.5", "-0.5 -0.25")


def test_values_for_python_are_no_texts() -> None:
    rows = trials_table(STUDY)
    assert rows[0]["share"] == STUDY.trials[0].count.share
    assert rows[0]["scores"] == [0.7]
    assert rows[0]["seconds_train"] == 2.0
    assert rows[0]["seconds"] == STUDY.trials[0].took
    assert {frozenset(row) for row in rows} == {frozenset(rows[0])}
