"""One search on one study folder: a lock that names its process, and dies with it."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock
import psutil

from autopelt.errors import UnavailableError, UsageError, parameter
from autopelt.system.files import write_text

_WHO = re.compile(r"process (\d+) on (\S+)")
LOCK = ".lock"
"""Locked by the system as long as the process lives; a file beside it says who it is."""


@contextmanager
def locked(folder: Path) -> Iterator[str]:
    """Hold a study's folder alone; where it does not exist it is made, and goes if it stays empty.

    Yields:
        A sentence for the user where the last search on it was killed, else "".

    Raises:
        UsageError: another process has it, and is named; or the folder cannot be written.
        UnavailableError: its disk is full.
    """
    path, owner = folder / LOCK, _owner(folder)
    lock = filelock.FileLock(path)
    try:
        made = [place for place in (folder, *folder.parents) if not place.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        who = owner.read_text(encoding="utf-8") if owner.is_file() else ""
        lock.acquire(timeout=0)
    except OSError as error:
        if isinstance(error, filelock.Timeout):
            raise UsageError(
                f"study '{folder}' is in use by {who or 'a process that starts just now'}; "
                f"wait for it, stop it, or give another {parameter('out')}.{_stale(who, path)}"
            ) from None
        raise UsageError(
            f"'{folder}' cannot be written: {error.strerror}; give {parameter('out')}."
        ) from None
    try:
        try:
            write_text(owner, f"process {os.getpid()} on {socket.gethostname()}")
        except OSError as error:
            raise UnavailableError(
                f"'{folder}' cannot be written ({error.strerror}); make room, then run the same "
                "command again."
            ) from None
        yield f"the last search, {who}, was killed; going on from what it wrote" if who else ""
    finally:
        owner.unlink(missing_ok=True)
        lock.release()
        path.unlink(missing_ok=True)
        with suppress(OSError):
            for place in made:  # where nothing came into it, as what was asked for was refused
                place.rmdir()


def working_process(folder: Path) -> int | None:
    """Number of the process that works on a study now, None if none does."""
    owner = _owner(folder)
    if not owner.is_file():
        return None
    try:
        with filelock.FileLock(folder / LOCK, timeout=0):
            return None  # its process was killed
    except filelock.Timeout:
        who = _WHO.fullmatch(owner.read_text(encoding="utf-8") if owner.is_file() else "")
        return int(who[1]) if who else None


def holders(path: Path) -> list[str]:
    """Other processes of this user's that have a file open: ``sqlite3 (process 41)``."""
    found = []
    for process in psutil.process_iter(["pid", "name"]):
        with suppress(psutil.Error):
            if process.pid != os.getpid() and any(
                Path(file.path) == path.resolve() for file in process.open_files()
            ):
                found.append(f"{process.name()} (process {process.pid})")
    return found


def _owner(folder: Path) -> Path:
    return folder / f"{LOCK}.owner"


def _stale(text: str, path: Path) -> str:
    """What to do about a lock whose process is gone, as some network file systems keep one."""
    who = _WHO.fullmatch(text)
    if who is None or who[2] != socket.gethostname() or psutil.pid_exists(int(who[1])):
        return ""
    return f" That process is gone, and the file system kept its lock; delete '{path}'."
