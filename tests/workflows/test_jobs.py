"""Trainings of a list: a line each, whatever becomes of it; no line is lost or made twice."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autopelt import execution
from autopelt.errors import InfeasibleError, UnavailableError
from autopelt.execution import Outcome
from autopelt.study.config import TrainingConfig
from autopelt.study.ledger import Ledger
from autopelt.system.json_lines import read_lines
from autopelt.system.signals import Stopped
from autopelt.training.spec import Setup
from autopelt.workflows.jobs import Job, run_jobs


@dataclass(frozen=True)
class About:
    job: int


Ends = Callable[[Any, int], None]


def jobs(count: int, report: bool = True) -> list[Job[About]]:
    setup, training = Setup("minilm", "demo"), TrainingConfig()
    return [Job(f"job {n}", About(n), "{}", n, setup, training, report) for n in range(count)]


def run(
    patch: pytest.MonkeyPatch, ledger: Path, ends: Ends, count: int = 2, report: bool = True
) -> list[str]:
    """Run jobs that are not trained: `ends` tells how each goes."""

    def runner(source: Any, **_: object) -> None:
        while (spec := source.next()) is not None:
            ends(source, spec.number)

    patch.setattr(execution, "run_trials", runner)
    said: list[str] = []
    run_jobs(
        jobs(count, report), Ledger(ledger, About), workers=1, metric="accuracy", say=said.append
    )
    return said


def epoch(number: int, score: float, held_out: dict[str, Any] | None = None) -> dict[str, Any]:
    """What is told of an epoch; the first is the best."""
    told = {"epoch": number, "score": score, "best": number == 1, "held_out": held_out}
    return told | {"seconds": {"train": 2.0}}


def well(source: Any, number: int) -> None:
    source.progressed(number, epoch(1, 0.7))
    source.progressed(number, epoch(2, 0.6, {"score": 0.65, "metrics": {"accuracy": 0.65}}))
    source.finished(number, Outcome())


def test_the_best_epoch_and_all_seconds_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run(monkeypatch, tmp_path / "l.jsonl", well)
    lines = read_lines(tmp_path / "l.jsonl")
    assert [(ln["job"], ln["random_seed"]) for ln in lines] == [(0, 0), (1, 1)]
    assert (lines[0]["selection"], lines[0]["epoch"], lines[0]["score"]) == (0.7, 1, 0.65)
    assert lines[0]["epochs"] == [0.7, 0.6]
    assert lines[0]["seconds"] == {"train": 4.0}
    assert said == [f"{n + 1} of 2  job {n}: report accuracy 0.6500, epoch 1" for n in (0, 1)]


def test_without_the_report_split_its_score_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def selection_only(source: Any, number: int) -> None:
        source.progressed(number, epoch(1, 0.7))
        source.finished(number, Outcome())

    said = run(monkeypatch, tmp_path / "a.jsonl", selection_only, report=False)
    assert said[0].endswith("selection accuracy 0.7000, epoch 1")
    assert "reason" not in read_lines(tmp_path / "a.jsonl")[0]
    run(monkeypatch, tmp_path / "b.jsonl", selection_only)
    assert read_lines(tmp_path / "b.jsonl")[0]["reason"] == "its score on the report split is None"


def test_failures_are_lines_and_three_alike_at_the_start_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(source: Any, number: int) -> None:
        source.finished(number, Outcome(failed="out of memory"))

    with pytest.raises(InfeasibleError, match="first 3 trainings failed for one cause: out of mem"):
        run(monkeypatch, tmp_path / "l.jsonl", fails, count=5)
    assert [ln["score"] for ln in read_lines(tmp_path / "l.jsonl")] == [None] * 3

    def fails_later(source: Any, number: int) -> None:
        (fails if number else well)(source, number)

    said = run(monkeypatch, tmp_path / "later.jsonl", fails_later, count=5)
    assert len(said) == 5
    assert said[-1] == "5 of 5  job 4: failed: out of memory"


def test_stopping_starts_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def well_and_stop(source: Any, number: int) -> None:
        source.ask_to_stop()
        well(source, number)

    with pytest.raises(Stopped):
        run(monkeypatch, tmp_path / "l.jsonl", well_and_stop)
    assert len(read_lines(tmp_path / "l.jsonl")) == 1


def test_a_ledger_that_cannot_be_written_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnavailableError, match=r"cannot be written any more .* Make room"):
        run(monkeypatch, tmp_path, well)  # a folder


def test_no_job_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(source: Any, number: int) -> None:
        raise AssertionError(number)

    assert run(monkeypatch, tmp_path / "l.jsonl", never, count=0) == []
    assert not (tmp_path / "l.jsonl").exists()
