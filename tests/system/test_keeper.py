"""What a driver has started ends with it, and nothing else does: plain processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from autopelt.system.held_folder import held_folder
from autopelt.system.keeper import MARK, end_members, kept, marked

TITLE = "keeper-test::"

DRIVER = f"""
import subprocess, sys, time
from pathlib import Path
from autopelt.system.held_folder import held_folder
from autopelt.system.keeper import kept, marked
folder = Path(sys.argv[1])
with held_folder(folder, "kind-"), kept(folder, "{TITLE}", (folder.parent, "kind-")):
    with marked(folder):
        shell = ["sh", "-c", "sleep 600 & echo $!; wait"]
        started = subprocess.Popen(shell, stdout=subprocess.PIPE)
    print(started.pid, int(started.stdout.readline()), flush=True)
    time.sleep(600)
"""
"""It starts a shell that starts something; the numbers of both are printed."""


@pytest.fixture
def started() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def sleeping(stack: ExitStack, name: str = "sleep", **how: object) -> psutil.Process:
    child = subprocess.Popen([name, "600"], executable="/bin/sleep", **how)
    stack.callback(child.wait)
    stack.callback(child.kill)
    return psutil.Process(child.pid)


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def soon(holds: Callable[[], object]) -> bool:
    """Whether something comes to hold within the ten seconds that are promised."""
    end = time.monotonic() + 10
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(holds())


def test_what_a_killed_driver_started_ends_and_its_folder_goes(
    tmp_path: Path, started: ExitStack
) -> None:
    folder = tmp_path / "kind-a"
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert driver.stdout is not None
    below = [psutil.Process(int(number)) for number in driver.stdout.readline().split()]
    stranger = sleeping(started)
    assert all(map(lives, below))
    assert folder.is_dir()
    driver.kill()
    driver.communicate()
    assert soon(lambda: not any(map(lives, below)))
    assert soon(lambda: not folder.exists())
    assert lives(stranger)


def test_what_is_left_at_the_end_of_a_session_goes_with_it(
    tmp_path: Path, started: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MARK, raising=False)
    folder, other = tmp_path / "kind-a", tmp_path / "kind-b"
    with held_folder(folder, "kind-"), kept(folder, TITLE, (tmp_path, "kind-")):
        with marked(folder):
            mine = sleeping(started, start_new_session=True)
        with marked(other):
            of_another = sleeping(started)
        unmarked = sleeping(started)
        assert MARK not in os.environ
        assert lives(mine)
    assert not lives(mine)
    assert lives(of_another)
    assert lives(unmarked)


def test_a_process_that_hides_its_environment_is_known_by_its_name_and_files(
    tmp_path: Path, started: ExitStack
) -> None:
    (tmp_path / "log").touch()
    with (tmp_path / "log").open() as log:
        agent = sleeping(started, f"{TITLE}Agent", stdin=log, env={})
        reader = sleeping(started, "tail", stdin=log)
    elsewhere = sleeping(started, f"{TITLE}Agent")
    end_members(tmp_path, TITLE)
    assert [lives(process) for process in (agent, reader, elsewhere)] == [False, True, True]


def test_it_outlives_what_ends_its_driver(tmp_path: Path) -> None:
    """A terminal that closes signals its session, a batch system every process of a job."""
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path / "kind-a")],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert driver.stdout is not None
    below = [psutil.Process(int(number)) for number in driver.stdout.readline().split()]
    (keeper,) = (p for p in psutil.Process(driver.pid).children() if p.pid != below[0].pid)
    assert os.getsid(keeper.pid) != os.getsid(driver.pid)
    assert soon(lambda: _ignores(keeper.pid, signal.SIGTERM))
    keeper.terminate()
    driver.kill()
    driver.communicate()
    assert soon(lambda: not any(map(lives, below)))
    assert soon(lambda: not keeper.is_running())


def _ignores(process: int, number: signal.Signals) -> bool:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (mask,) = (line.split()[1] for line in lines if line.startswith("SigIgn"))
    return bool(int(mask, 16) >> (number - 1) & 1)
