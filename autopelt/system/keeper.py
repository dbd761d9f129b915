"""A small process that ends and clears what a driver's processes leave, however the driver ends.

It reads a pipe whose other end the driver alone has, in a session of its own, so that no Ctrl-C or
hang-up of the driver's terminal reaches it. Once the driver closes the pipe or dies, also by
SIGKILL, it kills what yet lives of the processes that were started for the driver's folder, removes
the folder, and ends.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from autopelt.system.environment import environment
from autopelt.system.held_folder import remove_orphans

MARK = "AUTOPELT_SESSION"
"""Environment variable of the processes that were started for a folder: its path."""

_SECONDS = 10.0
_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); from autopelt.system.keeper import keep; keep()"
)


@contextmanager
def kept(folder: Path, title: str, *kinds: tuple[Path, str]) -> Iterator[None]:
    """What was started for a folder ends with the block or with this process, within seconds.

    Args:
        folder: given to what is started as `MARK`, in `marked`.
        title: how the names begin of processes that hide their environment, as they write their
            name over it; they belong here if they have files open in the folder.
        kinds: parents and prefixes of temporary folders; those that nobody holds go as well.
    """
    root = str(Path(__file__).parents[2])
    rest = [str(os.getpid()), str(folder), title, *(str(part) for kind in kinds for part in kind)]
    child = subprocess.Popen(  # noqa: S603 - this Python and a program of ours
        [sys.executable, "-P", "-c", _PROGRAM, root, *rest],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert child.stdin is not None
    try:
        yield
    finally:
        child.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=2 * _SECONDS)


@contextmanager
def marked(folder: Path) -> Iterator[None]:
    """Processes that are started in here, and what they start, belong to a folder."""
    with environment({MARK: str(folder)}):
        yield


def end_members(folder: Path, title: str) -> None:
    """Kill all that belongs to a folder, until nothing is left or ten seconds have gone by."""
    end = time.monotonic() + _SECONDS
    while (found := _members(folder, title)) and time.monotonic() < end:
        for process in found:
            with suppress(psutil.Error):  # it has ended; psutil knows a number that was given anew
                process.kill()
        psutil.wait_procs(found, timeout=0.5)


def keep() -> None:
    """The life of the small process; it gets its arguments on the command line."""
    driver, folder, title, *rest = sys.argv[2:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # A child of the driver that has the pipe's other end as well would hide the driver's death.
    while os.getppid() == int(driver) and not select.select([0], [], [], 1.0)[0]:
        pass
    end_members(Path(folder), title)
    for parent, prefix in zip(rest[::2], rest[1::2], strict=True):
        remove_orphans(Path(parent), prefix)


def _members(folder: Path, title: str) -> list[psutil.Process]:
    """What belongs to a folder, with all below it."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # it has ended, or is another user's
            if process.pid != os.getpid() and _belongs(process, folder, title):
                below = process.children(recursive=True)
                found |= {each.pid: each for each in (process, *below)}
    return list(found.values())


def _belongs(process: psutil.Process, folder: Path, title: str) -> bool:
    if process.environ().get(MARK) == str(folder):
        return True
    if not "".join(process.cmdline()[:1]).startswith(title):
        return False
    return any(Path(file.path).is_relative_to(folder) for file in process.open_files())
