"""Files: read with one error line, written whole or not at all."""

import errno
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from autopelt.errors import UsageError, parameter

NO_ROOM = "there is no room for a file"
"""How the reason of a trial begins that could not be kept for want of room."""


def no_room(error: BaseException) -> bool:
    """Whether an error says that a disk, a quota or a limit of the system has no room for a file.

    safetensors tells the system's error in words alone.
    """
    codes = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if isinstance(error, OSError):
        return error.errno in codes
    return any(f"(os error {code})" in str(error) for code in codes)


def expanded(path: str | Path) -> Path:
    """A path with ``~`` as a shell has it: of a user whom nobody knows it stays as it is.

    Raises:
        UsageError: it has a NUL, which a file may hold, but no name of one.
    """
    if "\0" in os.fspath(path):
        raise UsageError(f"'{path}' has a NUL, which no file's name has.")
    return Path(os.path.expanduser(path))


def check_writable(folder: Path, option: str = "out") -> None:
    """Find out before long work whether a folder can be made. Raises UsageError if it cannot."""
    _check_place(folder, folder, option)


def check_new_file(path: Path, option: str = "out") -> None:
    """The same of a file, which may be there already."""
    if path.is_dir():
        raise UsageError(f"'{path}' is a folder; give {parameter(option)} a file.")
    _check_place(path, path.parent, option)


def _check_place(path: Path, there: Path, option: str) -> None:
    """Raise UsageError where nothing can be made at a path, in the folder `there` or above it."""
    name = os.fspath(path)
    if "\0" in name or name != name.encode(errors="replace").decode():
        raise UsageError(
            f"'{name}' is no text that names a place (UTF-8 without NUL); give another "
            f"{parameter(option)}."
        )
    try:
        while not os.path.lexists(there) and there != there.parent:
            there = there.parent
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "it is not a folder")
        os.rmdir(tempfile.mkdtemp(dir=there))  # rights alone do not tell: /proc takes no files
        longest = os.pathconf(there, "PC_NAME_MAX")
        if any(len(os.fsencode(part)) > longest for part in path.parts):
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    except OSError as error:
        where = f"'{path}' cannot be made" + ("" if there == path else f" in '{there}'")
        raise UsageError(f"{where} ({error.strerror}); give another {parameter(option)}.") from None


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it over `path`."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def refuse_devices(path: Path) -> None:
    """Raise OSError for what has no end, as /dev/zero; pipes are read as files are."""
    mode = path.stat().st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise OSError(errno.EINVAL, "it is a device, not a file", str(path))


def utf8_text(path: Path) -> str:
    """Text of a file. Raises OSError, for a device as well, and UnicodeDecodeError."""
    refuse_devices(path)
    return path.read_text(encoding="utf-8")


def read_text(path: Path, what: str) -> str:
    """Read UTF-8 text. Raises UsageError that begins with `what` where it cannot be read."""
    try:
        return utf8_text(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"{what} cannot be read: {reason}.") from None


def last_line(path: Path) -> str:
    """The last line of a log that is not blank, at most 300 characters; "" where there is none.

    Only the end of the file is read. Control characters, colours of a terminal too, are left out.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]|[^\x20-\U0010ffff\n\r]", "", text)
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text by temporary file and rename."""
    replace_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def replace_directory(source: Path, target: Path | None) -> None:
    """Move a folder over another one, or, without a target, delete it. No error if it is missing.

    The target is the old folder or the new one, never a mixture; for an instant it can be missing.
    """
    if not source.is_dir():
        return
    if target is None:
        shutil.rmtree(source)
        return
    old = _set_aside(target)
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    source.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def check_new_folder(out: Path) -> None:
    """Raise UsageError where a folder to fill is there already, not empty, or cannot be made."""
    if os.path.lexists(out) and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"'{out}' is not an empty folder; give {parameter('out')} a new one.")
    check_writable(out)


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to fill, which gets its name at the end: it appears whole or not at all.

    Raises:
        UsageError: `out` is there already, and is no empty folder.
    """
    check_new_folder(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        yield folder
        folder.chmod(0o755)
        if out.exists():
            out.rmdir()
        folder.rename(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def recover_directory(target: Path) -> None:
    """Finish a `replace_directory` that was killed: with no new folder there, the old one stays."""
    old = _set_aside(target)
    if old.is_dir() and not target.exists():
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _set_aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")
