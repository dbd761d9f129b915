"""Arrays in files that the processes of a machine share: made once, mapped by all, bounded.

An entry is two files, ``KEY.json`` (facts) and ``KEY.bin`` (the array), beside locks. Who makes
or uses an entry holds ``KEY.lock`` shared, and an entry is removed only by who gets that lock
alone, the least recently used first. The locks are the system's (`flock`): they go when a process
dies.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from autopelt.training.spec import Cache

_PREFIX, _OWNER = "autopelt-trunk-", "owner.lock"
_SPARE_DISK = 2**30
"""Bytes of the disk that are left alone."""

Make = Callable[[torch.Tensor], Mapping[str, Any]]


class Entry:
    """An array that is in use until `close`.

    Attributes:
        array: (rows, width), mapped from the file: no copy, read only.
        facts: what was stored with it.
        made: this process has just made it.
    """

    def __init__(self, array: torch.Tensor, facts: Mapping[str, Any], lock: int, made: bool):
        self.array, self.facts, self.made = array, facts, made
        self._lock: int | None = lock

    def close(self) -> None:
        """Let go; the array must not be used any more."""
        if self._lock is not None:
            self.array = torch.empty(0)
            os.close(self._lock)
            self._lock = None


class SharedArrays:
    """The arrays in one folder.

    Args:
        folder: made where it is missing.
        limit: bytes that all entries together may take.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.limit = folder, limit

    def has(self, key: str) -> bool:
        """Whether the entry of a key is there at this moment."""
        return self._file(key).is_file()

    def find(self, key: str) -> Entry | None:
        """The entry of a key if it is there."""
        use = self._lock(key, fcntl.LOCK_SH)
        entry = self._open(key, use, made=False)
        if entry is None:
            os.close(use)
        return entry

    def find_or_make(
        self, key: str, rows: int, width: int, dtype: torch.dtype, make: Make
    ) -> Entry | None:
        """The entry of a key; of processes that want it at once one makes it, the others wait.

        Args:
            key: a name for the content; equal keys have equal content.
            rows, width, dtype: of the array.
            make: fills an array of that shape and returns the entry's facts.

        Returns:
            The entry, or None where there is no room for it.
        """
        found = self.find(key)
        if found is not None:
            return found
        making = self._lock(f"{key}.making", fcntl.LOCK_EX)
        try:
            found = self.find(key)  # another process may have made it meanwhile
            if found is not None:
                return found
            use = self._lock(key, fcntl.LOCK_SH)
            try:
                made = self._make(key, rows, width, dtype, make)
                entry = self._open(key, use, made=True) if made else None
            except BaseException:
                os.close(use)
                raise
            if entry is None:
                os.close(use)
            return entry
        finally:
            os.close(making)

    # ------------------------------------------------------------------ one entry
    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.bin"

    def _lock(self, key: str, kind: int) -> int:
        handle = os.open(self.folder / f"{key}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(handle, kind)
        return handle

    def _open(self, key: str, lock: int, made: bool) -> Entry | None:
        try:
            facts = json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8"))
            os.utime(self._file(key))
        except FileNotFoundError:
            return None
        rows, width = facts["shape"]
        array = torch.from_file(
            str(self._file(key)),
            shared=False,
            size=rows * width,
            dtype=getattr(torch, facts["dtype"]),
        )
        return Entry(array.view(rows, width), facts, lock, made)

    def _make(self, key: str, rows: int, width: int, dtype: torch.dtype, make: Make) -> bool:
        """Whether there was room. The caller holds the key's locks."""
        size = rows * width * dtype.itemsize
        growing = self.folder / f"{key}.part"
        growing.unlink(missing_ok=True)  # of a process that died
        with self._alone():
            if not self._room(size):
                return False
            try:
                with growing.open("wb") as file:  # all of it now: a full disk is found out here
                    os.posix_fallocate(file.fileno(), 0, size)
            except OSError:
                growing.unlink(missing_ok=True)
                return False
        try:
            array = torch.from_file(str(growing), shared=True, size=rows * width, dtype=dtype)
            facts = dict(make(array.view(rows, width)))
            facts |= {"shape": [rows, width], "dtype": str(dtype).removeprefix("torch.")}
            (self.folder / f"{key}.json").write_text(json.dumps(facts), encoding="utf-8")
            growing.replace(self._file(key))
        finally:
            growing.unlink(missing_ok=True)
        return True

    # ------------------------------------------------------------------ room
    @contextmanager
    def _alone(self) -> Iterator[None]:
        handle = self._lock("all", fcntl.LOCK_EX)
        try:
            yield
        finally:
            os.close(handle)

    def _room(self, size: int) -> bool:
        """Make room for `size` bytes by removing what is not in use."""
        limit = min(self.limit, self.used() + shutil.disk_usage(self.folder).free - _SPARE_DISK)
        if size > limit:
            return False
        for path in sorted(self._stored(), key=_changed):
            if self.used() + size <= limit:
                break
            self._remove(path)
        return self.used() + size <= limit

    def used(self) -> int:
        """Bytes that all entries take, with those that are being made."""
        return sum(_size(path) for path in self._stored())

    def _stored(self) -> list[Path]:
        return [p for p in self.folder.iterdir() if p.suffix in (".bin", ".part")]

    def _remove(self, path: Path) -> None:
        handle = os.open(self.folder / f"{path.stem}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
            path.with_suffix(".json").unlink(missing_ok=True)
        except BlockingIOError:
            pass  # somebody uses or makes it
        finally:
            os.close(handle)


def shared_arrays(cache: Cache | None) -> SharedArrays | None:
    """The cache of this machine's trials."""
    return None if cache is None else _opened(cache)


@lru_cache(maxsize=1)
def _opened(cache: Cache) -> SharedArrays:
    folder = Path(cache.folder)
    if not folder.is_dir():
        folder = _folder_elsewhere(folder.name)
    return SharedArrays(folder, cache.limit)


def _folder_elsewhere(name: str) -> Path:
    """On another machine of a cluster than the driver's: shared by its workers, in its own /tmp.

    It goes with the last worker, or, where all were killed, with the next search's first.
    """
    base = Path(tempfile.gettempdir())
    folder = base / name
    for old in base.glob(f"{_PREFIX}*"):
        if old != folder:
            _remove_if_orphaned(old)
    while True:
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            owner = os.open(folder / _OWNER, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue  # removed meanwhile
        fcntl.flock(owner, fcntl.LOCK_SH)
        if (folder / _OWNER).exists():
            break
        os.close(owner)

    def leave() -> None:
        os.close(owner)
        _remove_if_orphaned(folder)

    atexit.register(leave)
    return folder


@contextmanager
def private_cache(memory: int | None) -> Iterator[Cache | None]:
    """A cache in a folder of its own, which goes when the context ends.

    What processes that were killed have left behind goes as well.

    Args:
        memory: most bytes, 0 for no cache; None for a quarter of the memory that is free now.
    """
    limit = available_memory() // 4 if memory is None else memory
    if limit == 0:
        yield None
        return
    base = Path(tempfile.gettempdir())
    for old in base.glob(f"{_PREFIX}*"):
        _remove_if_orphaned(old)
    try:
        folder, owner = _owned_folder(base)
    except OSError:  # nothing can be written there: training works without, only slower
        yield None
        return
    try:
        yield Cache(str(folder), limit)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(owner)


def _owned_folder(base: Path) -> tuple[Path, int]:
    """A new folder and the lock that shows that its owner lives."""
    new = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=base))
    owner = os.open(new / _OWNER, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(owner, fcntl.LOCK_EX)
    return new.rename(base / new.name.removeprefix(".")), owner  # owned from the beginning


def _remove_if_orphaned(folder: Path) -> None:
    try:
        owner = os.open(folder / _OWNER, os.O_RDWR)
    except OSError:
        return  # being made, or another user's
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass  # its owner lives
    finally:
        os.close(owner)


def available_memory() -> int:
    """Bytes that processes can have: the system's estimate, or what a container's limit leaves."""
    pages = os.sysconf("SC_AVPHYS_PAGES")
    free = os.sysconf("SC_PAGE_SIZE") * pages
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(int(x.split()[1]) * 1024 for x in lines if x.startswith("MemAvailable:"))
        group = Path("/sys/fs/cgroup")
        most = (group / "memory.max").read_text(encoding="ascii").strip()
        if most != "max":
            now = int((group / "memory.current").read_text(encoding="ascii"))
            free = min(free, max(0, int(most) - now))
    except (OSError, ValueError, StopIteration):
        pass  # an older kernel, or another system: the plainer number has to do
    return free


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
