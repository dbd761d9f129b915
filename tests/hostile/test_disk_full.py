"""No room for a file, for real: a limit of the system everywhere, a full disk where one may mount.

The search stops with one line, what it holds stays whole, and with room again it goes on.
"""

import errno
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from autopelt import execution
from autopelt.cli.main import main
from autopelt.execution import Outcome
from autopelt.study.record import StudyRecord
from autopelt.study.storage import StudyStorage
from autopelt.training.trial import failure_reason, run_trial
from autopelt.workflows import search as driver

TRIALS = 4


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: the system refuses it, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Runner:
    """Runs trials here, as `run_trials` would, and takes the room away at a moment of trial 2."""

    def __init__(self, moment: str, room: int) -> None:
        self.moment, self.room = moment, room

    def at(self, moment: str, number: int) -> Any:
        here = (moment, number) == (self.moment, 2)
        return room_for(self.room) if here else nullcontext()

    def __call__(self, source: Any, **_: Any) -> None:
        while (spec := source.next()) is not None:
            results, outcome = [], Outcome()
            with self.at("train", spec.number):
                try:
                    results += run_trial(replace(spec, threads=1))
                except Exception as error:
                    outcome = Outcome(failure_reason(error))
            for result in results:
                with self.at("tell", spec.number):
                    source.progressed(spec.number, asdict(result) | {"worker": "here"})
            with self.at("finish", spec.number):
                source.finished(spec.number, outcome)


def flags(model: Path, folder: Path, trials: int = TRIALS) -> list[str]:
    return [
        *("search", "--task", "demo", "--model", str(model), "--space", "tiny", "--budget", "4%"),
        *("--trials", str(trials), "--epochs", "1", "--workers", "1", "--train-examples", "32"),
        *("--seeds", "head-only,lora-r1", "--out", str(folder)),
    ]


def assert_nothing_half_written(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert list(folder.rglob(".*")) == []
    if (folder / "index.html").is_file():
        assert (folder / "index.html").read_text().rstrip().endswith("</html>")


def assert_goes_on(folder: Path, before: StudyRecord, trials: int = TRIALS) -> None:
    record = StudyStorage.open(folder).record()
    assert [(t.number, t.state) for t in record.trials] == [(n, "complete") for n in range(trials)]
    done = {t.number: t for t in before.complete}
    assert [t for t in record.trials if t.number in done] == list(done.values())
    assert (folder / "best" / "weights.safetensors").is_file()
    assert_nothing_half_written(folder)


@pytest.mark.parametrize(
    ("moment", "room", "says"),
    [
        pytest.param("train", 64, "trial 2 could not be kept (there is no room", id="weights"),
        pytest.param("tell", 16, "cannot be written any more", id="study.db"),
        pytest.param("finish", 100_000, "cannot be written any more", id="report"),
    ],
)
def test_without_room_it_stops_with_one_line_and_goes_on_later(
    moment: str,
    room: int,
    says: str,
    tiny_bert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(driver, "REPORT_SECONDS", 0.0)
    monkeypatch.setattr(execution, "run_trials", Runner(moment, room))
    folder = tmp_path / "study"
    assert main(flags(tiny_bert, folder)) == 3
    error = capsys.readouterr().err
    assert says in error
    assert f"Make room, then: autopelt resume {folder}" in error
    assert "Traceback" not in error
    before = StudyStorage.open(folder).record()
    assert [t.state for t in before.trials[:2]] == ["complete", "complete"]
    assert [t.state for t in before.trials[2:]] == ["complete" if moment == "finish" else "running"]
    assert_nothing_half_written(folder)
    monkeypatch.setattr(execution, "run_trials", Runner("never", 0))
    assert main(["resume", str(folder)]) == 0
    assert_goes_on(folder, before)


def test_without_room_from_the_start_nothing_is_left(
    tiny_bert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(execution, "run_trials", Runner("never", 0))
    folder = tmp_path / "study"
    with room_for(16):
        assert main(flags(tiny_bert, folder)) == 3
    error = capsys.readouterr().err
    assert "cannot be written" in error
    assert "Traceback" not in error
    assert main(flags(tiny_bert, folder)) == 0
    assert_goes_on(folder, StudyStorage.open(folder).record())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 12 MB; skipped where this user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "none", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"may not mount a file system: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write until the disk is full, to the last byte."""
    with path.open("ab", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            while True:
                try:
                    file.write(b"\0" * size)
                except OSError as error:
                    assert error.errno == errno.ENOSPC
                    break


def test_a_disk_that_fills_up_during_a_search_loses_nothing(
    tiny_bert: Path,
    small_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, ballast = small_disk / "study", small_disk / "ballast"
    report = driver._Driver.write_report

    def report_and_fill(self: Any, force: bool = False) -> StudyRecord:
        record = report(self, force)
        fill(ballast)
        return record

    with monkeypatch.context() as patch:
        patch.setattr(driver._Driver, "write_report", report_and_fill)
        assert main(flags(tiny_bert, folder, trials=12)) == 3
        error = capsys.readouterr().err
    assert "Make room, then: autopelt resume" in error
    assert "Traceback" not in error
    before = StudyStorage.open(folder).record()
    assert 0 < len(before.complete) < 12
    assert {t.state for t in before.trials} <= {"complete", "running"}
    assert_nothing_half_written(folder)
    fill(ballast)  # what was cut short has been removed, which made room
    assert main(["resume", str(folder)]) == 3
    assert "Traceback" not in capsys.readouterr().err
    ballast.unlink()
    assert main(["resume", str(folder)]) == 0
    assert_goes_on(folder, before, 12)
