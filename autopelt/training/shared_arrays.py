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
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch

from autopelt.system.held_folder import held_folder, locked_file
from autopelt.system.memory import available_memory
from autopelt.training.spec import Cache

_PREFIX = "autopelt-trunk-"
_SPARE_DISK = 2**30
"""Bytes of the disk that are left alone."""

Make = Callable[[torch.Tensor], Mapping[str, Any]]


class Entry:
    """An array that is in use until `close`.

    Attributes:
        array: (rows, width), mapped from the file: no copy, read only.
        facts: what was stored with it.
        new: this process has just made it.
    """

    def __init__(self, array: torch.Tensor, facts: Mapping[str, Any], lock: int):
        self.array, self.facts, self.new = array, facts, False
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
        return self._array(key).is_file()

    def find(self, key: str) -> Entry | None:
        """The entry of a key if it is there."""
        lock = self._lock(key, fcntl.LOCK_SH)
        try:
            facts = json.loads(self._facts(key).read_text(encoding="utf-8"))
            os.utime(self._array(key))
        except FileNotFoundError:
            os.close(lock)
            return None
        rows, width = facts["shape"]
        dtype = getattr(torch, facts["dtype"])
        array = torch.from_file(str(self._array(key)), shared=False, size=rows * width, dtype=dtype)
        return Entry(array.view(rows, width), facts, lock)

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
        entry = self.find(key)
        if entry is not None:
            return entry
        with self._locked(f"{key}.making", fcntl.LOCK_EX):
            entry = self.find(key)  # another process may have made it meanwhile
            if entry is None:
                with self._locked(key, fcntl.LOCK_SH):
                    if self._make(key, rows, width, dtype, make):
                        entry = self.find(key)
                        assert entry is not None
                        entry.new = True
            return entry

    # ------------------------------------------------------------------ one entry
    def _array(self, key: str) -> Path:
        return self.folder / f"{key}.bin"

    def _facts(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _lock(self, key: str, kind: int) -> int:
        return locked_file(self.folder / f"{key}.lock", kind)

    @contextmanager
    def _locked(self, key: str, kind: int) -> Iterator[None]:
        lock = self._lock(key, kind)
        try:
            yield
        finally:
            os.close(lock)

    def _make(self, key: str, rows: int, width: int, dtype: torch.dtype, make: Make) -> bool:
        """Whether there was room. The caller holds the key's locks."""
        size = rows * width * dtype.itemsize
        growing = self.folder / f"{key}.part"
        growing.unlink(missing_ok=True)  # of a process that died
        try:
            with self._locked("all", fcntl.LOCK_EX):
                if not self._make_room(size):
                    return False
                try:
                    with growing.open("wb") as file:  # all of it now: a full disk is found out here
                        os.posix_fallocate(file.fileno(), 0, size)
                except OSError:
                    return False
            array = torch.from_file(str(growing), shared=True, size=rows * width, dtype=dtype)
            facts = dict(make(array.view(rows, width)))
            facts |= {"shape": [rows, width], "dtype": str(dtype).removeprefix("torch.")}
            self._facts(key).write_text(json.dumps(facts), encoding="utf-8")
            growing.replace(self._array(key))
        finally:
            growing.unlink(missing_ok=True)
        return True

    # ------------------------------------------------------------------ room
    def used(self) -> int:
        """Bytes that all entries take, with those that are being made."""
        return sum(size for _, size, _ in self._stored())

    def _make_room(self, size: int) -> bool:
        """Whether there are `size` bytes, once what is not in use was removed."""
        limit = min(self.limit, self.used() + shutil.disk_usage(self.folder).free - _SPARE_DISK)
        if size <= limit:
            for _, _, path in sorted(self._stored()):
                if self.used() + size > limit:
                    self._remove(path)
        return self.used() + size <= limit

    def _stored(self) -> list[tuple[int, int, Path]]:
        """When each file was used last, its bytes, and the file."""
        stored = []
        for path in self.folder.iterdir():
            if path.suffix in (".bin", ".part"):
                with suppress(FileNotFoundError):  # removed meanwhile
                    stat = path.stat()
                    stored.append((stat.st_mtime_ns, stat.st_size, path))
        return stored

    def _remove(self, path: Path) -> None:
        """Remove an entry, unless somebody uses or makes it."""
        with suppress(BlockingIOError), self._locked(path.stem, fcntl.LOCK_EX | fcntl.LOCK_NB):
            path.unlink(missing_ok=True)
            self._facts(path.stem).unlink(missing_ok=True)


def shared_arrays(cache: Cache | None) -> SharedArrays | None:
    """The cache of this machine's trials."""
    return None if cache is None else _opened(cache)


@lru_cache(maxsize=1)
def _opened(cache: Cache) -> SharedArrays:
    folder = Path(cache.folder)
    if not folder.is_dir():
        # Another machine of a cluster than the driver's: its workers share a folder in its own
        # /tmp. It goes with the last one, or, where all were killed, with the next search's first.
        stack = ExitStack()
        folder = stack.enter_context(_temporary(folder.name))
        atexit.register(stack.close)
    return SharedArrays(folder, cache.limit)


@contextmanager
def private_cache(memory: int | None) -> Iterator[Cache | None]:
    """A cache in a folder of its own, which goes when the context ends.

    What processes that were killed have left behind goes as well.

    Args:
        memory: most bytes, 0 for no cache; None for a quarter of the memory that is free now.
    """
    limit = available_memory() // 4 if memory is None else memory
    with ExitStack() as stack:
        cache = None
        if limit:
            with suppress(OSError):  # nothing can be written there: it works without, only slower
                folder = stack.enter_context(_temporary(f"{_PREFIX}{uuid4().hex}"))
                cache = Cache(str(folder), limit)
        yield cache


def cache_folders() -> tuple[Path, str]:
    """Where the folders of caches are, and how their names begin."""
    return Path(tempfile.gettempdir()), _PREFIX


def _temporary(name: str) -> AbstractContextManager[Path]:
    parent, prefix = cache_folders()
    return held_folder(parent / name, prefix)
