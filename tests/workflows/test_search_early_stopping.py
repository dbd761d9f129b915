"""Searches that stop trials early: what is stopped, what is kept, what goes on, what is said."""

import shutil
from pathlib import Path

import pytest
from optuna.trial import TrialState
from small_search import Quiet, plan

from autopelt.cards.expectation import measured
from autopelt.cards.health import above_a_constant
from autopelt.cli.main import main
from autopelt.samplers import early_stopping as stopping
from autopelt.study.record import StudyRecord
from autopelt.study.storage import StudyStorage
from autopelt.workflows.search import search


def eager(patch: pytest.MonkeyPatch) -> None:
    """Whatever is below the median of its size and not on the front is stopped: much of it."""
    patch.setattr(stopping, "COMPLETE", 2)
    patch.setattr(stopping, "SUPPORT", 0.0)
    patch.setattr(stopping, "CHANCE", 1.1)


@pytest.fixture(scope="module")
def stopped(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyRecord]:
    folder = tmp_path_factory.mktemp("studies") / "stopping"
    made = plan(
        tiny_bert,
        workers=1,
        trials=10,
        epochs=3,
        train_examples=32,
        seeds="head-only,lora-r1,lora-r2",
        early_stopping=True,
    )
    with pytest.MonkeyPatch.context() as patch:
        eager(patch)
        return folder, search(made, folder, Quiet())


def test_stopped_trials_count_and_are_no_seed_architectures(
    stopped: tuple[Path, StudyRecord],
) -> None:
    _, record = stopped
    assert [t.number for t in record.trials] == list(range(10))
    early = [t for t in record.trials if t.state == "stopped"]
    assert early
    for t in early:
        assert (t.score, t.label) == (None, "")
        assert t.rung in (1, 2)
        assert t.stopped_because.startswith(f"after epoch {t.rung} its score")
        assert t.finished is not None
        assert t.number not in {f.number for f in record.front}
    assert all(len(t.scores) == 3 for t in record.complete)
    saved = record.early_stopping
    assert saved.epochs_saved == sum(3 - len(t.scores) for t in early)
    assert saved.epochs_planned == 30


def test_the_worker_stays_warm_and_no_weights_are_left(stopped: tuple[Path, StudyRecord]) -> None:
    folder, record = stopped
    assert len({t.worker for t in record.trials}) == 1
    assert all(t.seconds["load"] < 0.05 for t in record.trials[1:])
    assert not list((folder / "trials").rglob("*.safetensors"))


def test_to_optuna_they_are_pruned(stopped: tuple[Path, StudyRecord]) -> None:
    folder, record = stopped
    trials = StudyStorage.open(folder).trials()
    for mine, theirs in zip(record.trials, trials, strict=True):
        assert (mine.state == "stopped") == (theirs.state == TrialState.PRUNED)
        assert theirs.user_attrs["scores"] == list(mine.scores)


def test_the_report_and_the_table_say_it(stopped: tuple[Path, StudyRecord]) -> None:
    folder, record = stopped
    page = (folder / "index.html").read_text("utf-8")
    assert record.early_stopping.words in page
    assert "stopped early" in page
    early = next(t for t in record.trials if t.state == "stopped")
    assert early.stopped_because.split(",")[0] in (folder / "trials.csv").read_text("utf-8")


def test_a_study_with_stopped_trials_goes_on(
    stopped: tuple[Path, StudyRecord], tiny_bert: Path, tmp_path: Path
) -> None:
    before = stopped[1]
    folder = shutil.copytree(stopped[0], tmp_path / stopped[0].name)
    after = search(
        plan(
            tiny_bert,
            workers=1,
            trials=11,
            epochs=3,
            train_examples=32,
            seeds="head-only,lora-r1,lora-r2",
            early_stopping=True,
        ),
        folder,
        Quiet(),
    )
    assert len(after.trials) == 11
    assert after.trials[:10] == before.trials
    new = [t.architecture.id for t in after.trials if t.origin != "repeat"]
    assert len(set(new)) == len(new)
    assert all(t.state == "complete" for t in after.trials if t.origin == "repeat")


def test_score_alone_as_the_objective_from_the_command_line_to_the_report(
    tiny_bert: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    eager(monkeypatch)
    folder = tmp_path / "study"
    command = [
        *("search", "--task", "demo", "--model", str(tiny_bert), "--space", "tiny"),
        *("--budget", "4%", "--trials", "7", "--epochs", "2", "--workers", "2"),
        *("--train-examples", "32", "--seeds", "head-only,lora-r1", "--out", str(folder)),
        *("--objectives", "score", "--early-stopping"),
    ]
    assert main(command) == 0
    printed = capsys.readouterr().out
    study = StudyStorage.open(folder)
    record = study.record()
    assert len(study.optuna.directions) == 1
    assert str(record.config.objectives) == "score"
    best = record.best
    assert best is not None
    assert study.optuna.best_value == max(t.point[1] for t in record.complete)
    assert f"Best: {measured(record, best)} with {best.count.deployed:,} parameters" in printed
    learned = above_a_constant(record)
    assert learned is not None
    assert learned.level == "warning"  # two epochs of 32 examples
    assert f"Warning: {learned.words}" in printed
    assert f"Early stopping: {record.early_stopping.words}." in printed
    assert "Early stopping" in (folder / "index.html").read_text("utf-8")
    assert (folder / "best" / "weights.safetensors").is_file()
    assert sum(t.origin == "model" for t in record.trials) >= 1
