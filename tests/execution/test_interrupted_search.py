"""Searches from the command line, with workers, that are killed or asked to stop, and go on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from process_tree import ray_processes
from small_search import Quiet, plan

from autopelt.cli.main import main
from autopelt.study.record import StudyRecord
from autopelt.study.storage import StudyStorage
from autopelt.workflows.search import search

AUTOPELT = (sys.executable, "-m", "autopelt")
HERE = (sys.executable, str(Path(__file__).parents[1] / "support" / "here.py"))
"""The real program, and the one that trains in its own process."""


def command(model: Path, folder: Path, *flags: str) -> list[str]:
    return [
        *("search", "--task", "demo", "--model", str(model), "--space", "tiny", "--budget", "4%"),
        *("--train-examples", "64", *flags, "--out", str(folder)),
    ]


def until(folder: Path, holds: Callable[[StudyRecord], bool]) -> None:
    """Wait until something holds of the study that another process makes there.

    It is read where it has changed only: reading takes as long as the other's trials do.
    """
    deadline = time.monotonic() + 240
    seen = 0
    while time.monotonic() < deadline:
        written = max((p.stat().st_mtime_ns for p in folder.glob("study.db")), default=0)
        if written != seen and (folder / "config.yaml").is_file():
            seen = written
            if holds(StudyStorage.open(folder).record()):
                return
        time.sleep(0.1)
    raise AssertionError("it never held")


def test_a_killed_search_goes_on_with_the_same_trials(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL in the middle: finished trials stay, the running one is run again, none is lost."""
    monkeypatch.setenv("AUTOPELT_KILL_TEST", str(os.getpid()))
    folder = tmp_path / "study"
    flags = ("--trials", "7", "--epochs", "2", "--workers", "1", "--seeds", "head-only,lora-r1")
    child = subprocess.Popen(
        [*AUTOPELT, *command(tiny_bert, folder, *flags)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    until(folder, lambda record: len(record.complete) >= 3)
    child.kill()
    child.communicate()
    killed = StudyStorage.open(folder).record()
    assert 3 <= len(killed.complete) < 7
    assert main(["resume", str(folder)]) == 0
    assert ray_processes() == set()
    resumed = StudyStorage.open(folder).record()
    assert [t.number for t in resumed.trials] == list(range(7))
    assert all(t.state == "complete" for t in resumed.trials)
    assert resumed.trials[: len(killed.complete)] == tuple(killed.complete)
    whole = search(
        plan(tiny_bert, workers=1, trials=7, seeds="head-only,lora-r1"), tmp_path / "whole", Quiet()
    )
    assert [t.architecture.id for t in whole.trials] == [t.architecture.id for t in resumed.trials]


def test_ctrl_c_finishes_what_runs_and_names_the_way_on(tiny_bert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    child = subprocess.Popen(
        [*AUTOPELT, *command(tiny_bert, folder, "--trials", "500", "--epochs", "2")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(folder, lambda record: len(record.complete) >= 2)
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: the whole process group
    _, errors = child.communicate(timeout=120)
    assert child.returncode == 130, errors
    assert f"autopelt resume {folder}" in errors
    assert "Traceback" not in errors
    record = StudyStorage.open(folder).record()
    assert {t.state for t in record.trials} == {"complete"}
    assert (folder / "index.html").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(("how", "program"), [(signal.SIGINT, AUTOPELT), (signal.SIGTERM, HERE)])
def test_ctrl_c_twice_or_sigterm_stops_now_and_resume_goes_on(
    how: signal.Signals, program: tuple[str, ...], tiny_bert: Path, tmp_path: Path
) -> None:
    """Trials of 5,000 epochs: only stopping at once ends within the time.

    All processes get the signal, the workers too, as from a terminal or a batch system.
    """
    folder = tmp_path / "study"
    flags = ("--trials", "2", "--epochs", "5000", "--workers", "1", "--json")
    child = subprocess.Popen(
        [*program, *command(tiny_bert, folder, *flags)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout is not None
    events = []
    for line in child.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == "epoch":
            break
    os.killpg(child.pid, how)
    if how == signal.SIGINT:
        for line in child.stdout:
            events.append(json.loads(line))
            if "Ctrl-C again" in events[-1].get("text", ""):
                break
        os.killpg(child.pid, how)
    out, errors = child.communicate(timeout=120)
    assert child.returncode == 130, errors
    assert f"autopelt resume {folder}" in errors
    assert "Traceback" not in errors
    assert json.loads(out.splitlines()[-1])["event"] == "error"
    record = StudyStorage.open(folder).record()
    assert [t.state for t in record.trials] == ["running"]  # to be run again by resume
