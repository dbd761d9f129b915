"""A stored trial comes out again to the bit, or is said not to; a changed study is refused."""

import json
import sqlite3
from pathlib import Path

import pytest

from autopelt.cli.main import main
from autopelt.study.storage import StudyStorage
from autopelt.workflows import search as driver

ROWS = [
    "text,label",
    *(f"{'a b' if i % 2 else 'y z'} {'cdef'[i % 4]} {i},{i % 2}" for i in range(60)),
]


@pytest.fixture
def search(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command line of a study of three trials on a file of one's own."""
    monkeypatch.setattr(driver, "default_threads", lambda workers: 1)
    (tmp_path / "own.csv").write_text("\n".join(ROWS) + "\n")
    command = ["search", "--train", str(tmp_path / "own.csv"), "--text", "text", "--label", "label"]
    command += ["--model", str(tiny_bert), "--space", "tiny", "--budget", "4%", "--epochs", "2"]
    return [*command, "--trials", "3", "--workers", "1", "--out", str(tmp_path / "study")]


def edit_attribute(folder: Path, number: int, key: str, value: object) -> None:
    """Change what the study keeps about a trial, behind its back."""
    with sqlite3.connect(folder / "study.db") as base:
        changed = base.execute(
            "UPDATE trial_user_attributes SET value_json = ? WHERE key = ? AND trial_id = "
            "(SELECT trial_id FROM trials WHERE number = ?)",
            (json.dumps(value), key, number),
        )
        assert changed.rowcount == 1
    base.close()


def test_a_trial_is_reproduced_and_another_score_is_told_from_it(
    search: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    assert main(search) == 0
    capsys.readouterr()
    assert main(["reproduce", f"{folder}:1"]) == 0
    assert "to the bit" in capsys.readouterr().out
    losses = list(StudyStorage.open(folder).record().trials[1].losses)
    edit_attribute(folder, 1, "losses", [losses[0], losses[1] + 1e-7])
    assert main(["reproduce", f"{folder}:1"]) == 5
    assert "epoch 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--budget", "5%"], ["budget", "4%", "5%"]),
        (["--objectives", "score"], ["objectives", "both"]),
        (["--space", "lora"], ["space"]),
    ],
)
def test_a_study_does_not_go_on_as_another(
    search: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: list[str],
    words: list[str],
) -> None:
    assert main(search) == 0
    capsys.readouterr()
    before = len(StudyStorage.open(tmp_path / "study").record().trials)
    assert main([*search, *change, "--trials", "4"]) == 2
    error = capsys.readouterr().err
    assert all(word in error for word in words), error
    assert len(StudyStorage.open(tmp_path / "study").record().trials) == before


def test_a_study_whose_data_changed_does_not_go_on(
    search: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(search) == 0
    (tmp_path / "own.csv").write_text("\n".join([*ROWS, "a b c,1", "y z c,0"]) + "\n")
    capsys.readouterr()
    assert main(["resume", str(tmp_path / "study"), "--trials", "4"]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "the data of task 'own' is not what was recorded: train " in line


def test_other_versions_are_said_and_the_study_goes_on(
    search: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    assert main(search) == 0
    with sqlite3.connect(folder / "study.db") as base:
        (facts,) = base.execute(
            "SELECT value_json FROM study_user_attributes WHERE key = 'autopelt'"
        ).fetchone()
        known = json.loads(json.loads(facts))
        known["versions"]["torch"] = "1.0.0"
        base.execute(
            "UPDATE study_user_attributes SET value_json = ? WHERE key = 'autopelt'",
            (json.dumps(json.dumps(known)),),
        )
    base.close()
    capsys.readouterr()
    assert main(["resume", str(folder), "--trials", "4"]) == 0
    told = capsys.readouterr()
    assert "torch 1.0.0, now" in told.out + told.err
    assert len(StudyStorage.open(folder).record().complete) == 4
