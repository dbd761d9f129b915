"""SIGKILL of the search's own process, again and again in one study: nothing is lost or doubled.

The suite kills at a few points that need care; `tests/benchmarks/kill_moments.py` kills at all of
them and at random times.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from killed_at import POINTS

from autopelt.cli.main import main
from autopelt.study.record import StudyRecord
from autopelt.study.storage import StudyStorage

TRIALS = 5
HERE = Path(__file__).parents[1] / "support"


def flags(model: Path, folder: Path) -> list[str]:
    return [
        *("search", "--task", "demo", "--model", str(model), "--space", "tiny", "--budget", "4%"),
        *("--trials", str(TRIALS), "--epochs", "1", "--workers", "1", "--train-examples", "64"),
        *("--seeds", "head-only,lora-r1", "--out", str(folder)),
    ]


def killed_at(point: str, count: int, arguments: list[str]) -> int:
    """Run autopelt until the point is reached for the `count`th time; gives its exit code."""
    command = [sys.executable, str(HERE / "killed_at.py"), point, str(count), *arguments]
    return subprocess.run(command, stdout=subprocess.DEVNULL, timeout=600).returncode


def killed_after(seconds: float, arguments: list[str]) -> int:
    """Run autopelt and kill it after so many seconds, if it runs so long; gives its exit code."""
    command = [sys.executable, "-m", "autopelt", *arguments]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        child.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.kill()
    return child.wait()


def done(folder: Path) -> tuple[StudyRecord, int]:
    """What is in the study's folder now, and the number of trials that ended."""
    record = StudyStorage.open(folder).record()
    return record, len([t for t in record.trials if t.finished is not None])


def assert_kept(before: StudyRecord, after: StudyRecord) -> None:
    """Each trial that was complete is there once, as it was."""
    assert [t for t in after.trials if t.number in {b.number for b in before.complete}] == (
        before.complete
    )


def assert_whole(folder: Path, uninterrupted: StudyRecord) -> None:
    """As if nothing had happened: the total, each trial once, the same proposals and scores."""
    record, _ = done(folder)
    assert [t.number for t in record.trials] == list(range(TRIALS))
    assert {t.state for t in record.trials} == {"complete"}
    assert [(t.architecture.id, t.scores, t.losses, t.score) for t in record.trials] == [
        (t.architecture.id, t.scores, t.losses, t.score) for t in uninterrupted.trials
    ]
    assert record.best is not None
    assert record.beliefs
    assert not record.outdated
    metrics = json.loads((folder / "best" / "metrics.json").read_text())
    trainings = record.trainings_of(record.best)
    assert metrics["trial"] in [t.number for t in trainings]
    assert metrics["selection"]["accuracy"] == max(t.score for t in trainings)
    names = {p.name for p in folder.iterdir()}
    assert names >= {"best", "config.yaml", "index.html", "study.db", "trials.csv"}
    assert not [name for name in names if name.startswith(".")]
    assert not list((folder / "trials").glob("*/weights"))


@pytest.fixture(scope="module", autouse=True)
def one_core() -> Iterator[None]:
    """Children inherit it. Two threads that wait for each other crawl on a machine that is busy."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    yield
    os.sched_setaffinity(0, cores)


@pytest.fixture(scope="module")
def uninterrupted(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> StudyRecord:
    folder = tmp_path_factory.mktemp("whole") / "study"
    assert main(flags(tiny_bert, folder)) == 0
    return done(folder)[0]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_search_killed_again_and_again_is_the_search_that_was_not(
    tiny_bert: Path,
    tmp_path: Path,
    uninterrupted: StudyRecord,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "study"
    search, resume = flags(tiny_bert, folder), ["resume", str(folder)]
    assert killed_at("configured", 1, ["--here", *search]) == -signal.SIGKILL
    assert killed_at("score-told", 2, ["--here", *search]) == -signal.SIGKILL
    before, ended = done(folder)
    assert ended == 2  # the second is written as ended, but not told: it is run again
    assert len(before.complete) == 1
    for point, count in (("best-absent", 1), ("sampled", 1)):
        assert killed_at(point, count, ["--here", *resume]) == -signal.SIGKILL
        after, _ = done(folder)
        assert_kept(before, after)
        before = after
    capsys.readouterr()
    assert main(resume) == 0
    assert "was killed; going on" in capsys.readouterr().out
    assert_kept(before, done(folder)[0])
    assert_whole(folder, uninterrupted)


@pytest.mark.parametrize("name", POINTS)
def test_each_point_names_code_that_exists(name: str) -> None:
    import importlib

    module, _, path = POINTS[name].function.partition(":")
    owner = importlib.import_module(module)
    for part in path.split("."):
        owner = getattr(owner, part)
    assert callable(owner)
