"""How much memory is free, and giving back what a process no longer uses."""

import ctypes
from contextlib import suppress
from pathlib import Path

import psutil


def available_memory() -> int:
    """Bytes that processes can have: the system's estimate, or what a container's limit leaves."""
    free = int(psutil.virtual_memory().available)
    group = Path("/sys/fs/cgroup")
    with suppress(OSError, ValueError):  # no such limit, an older kernel, or another system
        most = int((group / "memory.max").read_text(encoding="ascii"))
        now = int((group / "memory.current").read_text(encoding="ascii"))
        free = min(free, max(0, most - now))
    return free


def own_memory() -> int:
    """Bytes of this process that are in memory now."""
    return int(psutil.Process().memory_info().rss)


def trim_heap() -> None:
    """Give back what this process's heap holds but does not use; nothing where that is unknown.

    A report and a fit of the surrogate need tens of MB for a moment, from several threads. The C
    library (glibc) keeps what they free, in pieces, so that a process grows for hours though what
    it holds does not. Takes milliseconds.
    """
    with suppress(OSError, TypeError, AttributeError):  # another library, or Windows
        ctypes.CDLL(None).malloc_trim(0)
