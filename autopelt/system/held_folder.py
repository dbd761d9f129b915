"""Temporary folders that go with the last process that holds them, however that ends."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_OWNER = "owner.lock"


@contextmanager
def held_folder(folder: Path, prefix: str) -> Iterator[Path]:
    """Hold a folder, which is made where it is missing; the last who holds it removes it.

    Args:
        folder: in a folder for temporary files.
        prefix: of its name and of its kind's. Those of this kind beside it that nobody holds any
            more, as their processes were killed, go first.
    """
    remove_orphans(folder.parent, prefix, but=folder)
    while True:
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            owner = locked_file(folder / _OWNER, fcntl.LOCK_SH)
        except FileNotFoundError:
            continue  # removed meanwhile
        if (folder / _OWNER).exists():
            break
        os.close(owner)
    try:
        yield folder
    finally:
        os.close(owner)
        _remove_if_orphaned(folder)


def remove_orphans(parent: Path, prefix: str, but: Path | None = None) -> None:
    """Remove the folders of a kind that nobody holds, as their processes were killed."""
    for folder in parent.glob(f"{prefix}*"):
        if folder != but:
            _remove_if_orphaned(folder)


def locked_file(path: Path, kind: int, flags: int = os.O_CREAT) -> int:
    """Open and lock a file; the lock goes when the handle is closed or the process ends.

    Args:
        kind: as for `fcntl.flock`.
        flags: for `os.open`, besides reading and writing.

    Raises:
        BlockingIOError: another has it, and `kind` says not to wait.
    """
    handle = os.open(path, os.O_RDWR | flags, 0o600)
    try:
        fcntl.flock(handle, kind)
    except OSError:
        os.close(handle)
        raise
    return handle


def _remove_if_orphaned(folder: Path) -> None:
    with suppress(OSError):  # its owner lives, it is being made, or it is another user's
        owner = locked_file(folder / _OWNER, fcntl.LOCK_EX | fcntl.LOCK_NB, flags=0)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(owner)
