"""How much memory is free, and giving back what a process no longer uses."""

import ctypes
import resource
from contextlib import suppress
from pathlib import Path

import psutil

from autopelt.errors import UnavailableError
from autopelt.system.units import format_bytes

_PROCESS, _MOUNTED = Path("/proc/self"), Path("/sys/fs/cgroup")
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_V2 = ("memory.max", "memory.current", "inactive_file")
"""Files of a group; the entry of its `memory.stat` for cached files that nobody uses."""


def available_memory() -> int:
    """Bytes that processes can have: the system's estimate, or what a limit leaves of it.

    Containers, batch systems and `systemd-run` limit a group of processes, and groups around it.
    """
    return min([int(psutil.virtual_memory().available), *_left_by_groups()])


def _left_by_groups(process: Path = _PROCESS, mounted: Path = _MOUNTED) -> list[int]:
    """Bytes that are left of the limit of each group that this process is in."""
    left = []
    with suppress(OSError, ValueError):
        for line in (process / "cgroup").read_text(encoding="ascii").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers not in ("", "memory"):
                continue
            root, names = (mounted / "memory", _V1) if controllers else (mounted, _V2)
            own = root / path.strip("/")
            for group in (own, *own.parents):
                if group.is_relative_to(root):
                    left += _left_by(group, *names)
    return left


def _left_by(group: Path, limit: str, used: str, cache: str) -> list[int]:
    """What a group has left, if it has a limit and is visible from here; cached files can go."""
    with suppress(OSError, ValueError):
        most = int((group / limit).read_text(encoding="ascii"))
        now = int((group / used).read_text(encoding="ascii"))
        facts = (group / "memory.stat").read_text(encoding="ascii").split()
        free = int(facts[facts.index(cache) + 1]) if cache in facts else 0
        return [max(0, most - now + free)]
    return []


def check_address_space(needed: int, what: str) -> None:
    """Refuse what would end in the middle, in compiled code, for want of addresses.

    Args:
        needed: bytes of addresses beside those that this process has; far more than of memory.
        what: needs them.

    Raises:
        UnavailableError: `ulimit -v` leaves less.
    """
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(psutil.Process().memory_info().vms)
    if most != resource.RLIM_INFINITY and most - taken < needed:
        raise UnavailableError(
            f"{what} needs {format_bytes(taken + needed)} of address space, and this shell allows "
            f"{format_bytes(most)} (ulimit -v {most // 1024}). Raise it, as with "
            "'ulimit -v unlimited', then run the same command again."
        )


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
