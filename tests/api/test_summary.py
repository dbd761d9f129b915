"""A study that is only looked at: no torch, a front as a table, and what a notebook shows."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from small_record import AGAIN, STUDY

import autopelt
from autopelt.api.summary import summary
from autopelt.architecture.architecture import Architecture

STORED = Path(__file__).parents[1] / "fixtures" / "study-7d51a0e"


@pytest.fixture
def stored(tmp_path):
    """A study of an older version, copied: opening a database may write beside it."""
    return autopelt.open_study(shutil.copytree(STORED, tmp_path / "s"))


def test_a_study_is_opened_and_looked_at_without_torch_or_ray(stored):
    program = (
        "import sys, autopelt\n"
        f"study = autopelt.open_study({str(stored.folder)!r})\n"
        "assert len(study.front()) and study.best and study._repr_html_()\n"
        "study.plot_front()\n"
        "heavy = {'torch', 'ray', 'botorch', 'transformers', 'datasets'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_front_is_a_table_by_growing_parameters(stored):
    front, record = stored.front(), stored.record
    assert isinstance(front, pd.DataFrame)
    assert list(front.index) == [t.number for t in record.front]
    assert front["deployed"].is_monotonic_increasing
    assert list(front["expected"]) == [record.expected(t) for t in record.front]
    assert list(front["share"]) == [t.count.share for t in record.front]
    for column in front.columns:
        assert f"``{column}``" in autopelt.Study.front.__doc__, column


def test_the_best_is_a_member_of_the_front_or_as_good(stored):
    assert stored.best == stored.trial("best")


def test_a_notebook_is_shown_the_front_and_the_verdict():
    shown = summary(AGAIN, Path("reports/s"))
    assert "reports/s: a study, 6 of 10 trials" in shown
    assert "trial 1 (best)" in shown
    assert "lora 2 (query) at 2,5-6" in shown
    assert "0.765" in shown


def test_a_study_without_a_result_says_so():
    shown = summary(replace(STUDY, trials=()), Path("reports/s"))
    assert "0 of 10 trials" in shown
    assert "<th" not in shown


def test_names_of_a_study_are_text_in_a_notebook():
    hostile = replace(STUDY, trials=(replace(STUDY.trials[0], label="<img src=x>"),))
    assert "<img" not in summary(hostile, Path("<b>"))
    assert "&lt;img src=x&gt;" in hostile.trials[0]._repr_html_()


def test_architectures_and_trials_show_themselves():
    made = Architecture.from_yaml(
        "{modules: [{layers: 0-1, method: lora, location: attention.query, size: 4}], prompt: 5}"
    )
    shown = made._repr_html_()
    assert made.id in shown
    assert ">LoRA</td>" in shown
    assert ">0-1</td>" in shown
    failed = STUDY.trials[3]._repr_html_()
    assert "the loss became nan" in failed
    assert "400 (0.4" in failed
