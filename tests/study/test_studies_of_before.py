"""A study that commit 7d51a0e made opens, says the same, goes on and is exported.

`tests/fixtures/make_study_7d51a0e.sh` made it; its model is made anew, the same to the bit.
"""

import csv
import io
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from small_search import Quiet
from tiny_models import make_tiny_bert

import autopelt
from autopelt.cli.main import main
from autopelt.tasks import Source, make_task

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "study-7d51a0e"
SCORES = [0.545, 0.62, 0.505, 0.5, 0.465, 0.505]


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy beside its model, as it lay when it was made."""
    make_tiny_bert(tmp_path / "tiny-bert")
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(FIXTURE, "study-7d51a0e"))


def test_what_it_knows(study: Path) -> None:
    record = autopelt.open_study(study).record
    assert [t.score for t in record.trials] == SCORES
    assert [t.number for t in record.front] == [5, 0]
    assert [t.origin for t in record.trials] == ["seed", "seed", "seed", "start", "start", "model"]
    assert all(t.costs["latency"] > 0 for t in record.trials)
    assert (record.metric, record.limit, record.head, record.total) == ("accuracy", 327, 34, 6)
    assert {c.trial: c.mean.mean for c in record.confirmed} == {5: 0.49875, 2: 0.5025}
    assert record.confirmed_best.number == 5


def test_status_report_and_exports(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["status", str(study)],
        ["report", str(study)],
        ["export", str(study), "--to", "autopelt", "--out", "shipped"],
        ["export", str(study), "--to", "csv", "--out", "trials.csv"],
    ):
        assert main(arguments) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert "finished, 6 of 6 trials" in said
    page = (study / "index.html").read_text("utf-8")
    assert all(words in page for words in ("generated from the built-in grammar", "lora-r8~"))
    before, now = (read_csv(path) for path in (FIXTURE / "trials.csv", Path("trials.csv")))
    assert [{name: row[name] for name in before[0]} for row in now] == before
    assert [row["expected"] for row in now] == [row["score"] for row in before]
    assert {(row["expected_sd"], row["trainings"], row["repeats"]) for row in now} == {
        ("", "1", "")
    }
    model, _ = autopelt.export.load_exported("shipped")
    assert model.config.id2label == {0: "entailment", 1: "not_entailment"}
    # The demo asked something else then.
    assert main(["evaluate", str(study / "trained")]) == 3
    assert "was trained on ['entailment', 'not_entailment']" in capsys.readouterr().err


def knows_the_cut_of_now(study: Path) -> None:
    """Let the study have recorded the examples and labels that its task gives now."""
    task = make_task("demo")
    now = task.load(Source(train_examples=64), report=True).facts
    with sqlite3.connect(study / "study.db") as base:
        (told,) = base.execute(
            "SELECT value_json FROM study_user_attributes WHERE key = 'autopelt'"
        ).fetchone()
        facts = json.loads(json.loads(told))
        facts["task"] |= now.stored() | {"labels": list(task.labels)}
        base.execute(
            "UPDATE study_user_attributes SET value_json = ? WHERE key = 'autopelt'",
            (json.dumps(json.dumps(facts)),),
        )
    base.close()


@pytest.mark.parametrize(
    "command", [["resume", "--trials", "8"], ["reproduce"], ["train", "--force"], ["confirm"]]
)
def test_its_splits_were_cut_by_another_rule(
    study: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    place = f"{study}:2" if command == ["reproduce"] else str(study)
    assert main([command[0], place, *command[1:]]) == 3
    assert "were cut by another rule (number 1; number 2 goes by a hash" in capsys.readouterr().err


def test_it_goes_on(study: Path) -> None:
    knows_the_cut_of_now(study)
    view = Quiet()
    record = autopelt.open_study(study).resume(trials=8, view=view).record
    assert [t.score for t in record.trials[:6]] == SCORES
    last = [(t.state, t.origin) for t in record.trials[6:]]
    assert last == [("complete", "model"), ("complete", "repeat")]
    assert view.ended == [6, 7]
    again = record.trials[7]
    first = record.trials[again.repeats]
    assert again.architecture == first.architecture
    assert [t.number for t in record.trainings_of(first)] == [first.number, 7]
    assert set(record.beliefs) == {t.architecture.id for t in record.trials}
    assert record.belief(first).trainings == 2
    # Only the weights of the highest score were kept, which is not what is believed in now.
    kept = json.loads((study / "best" / "metrics.json").read_text("utf-8"))
    assert kept["trial"] == 0
    assert kept["expected"] == record.expected(record.trials[0])
    lost = f"the weights of {record.best.name}" in " ".join(view.messages)
    assert lost == (record.best.number != 0)
