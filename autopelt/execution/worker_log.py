"""What a worker prints while it trains goes to a file of the trial, not to the user's screen."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def logged(path: str | None) -> Iterator[None]:
    """Append all that this process prints inside the block to a file, compiled code's output too.

    A file that stays empty is removed. Where it cannot be made, as on another machine of a cluster
    that does not see the study's folder, nothing is redirected.

    Args:
        path: of the file; None: nothing is redirected.
    """
    file = None if path is None else _open(Path(path))
    if file is None or path is None:
        yield
        return
    _flush()
    before = {stream: os.dup(stream) for stream in (1, 2)}
    for stream in before:
        os.dup2(file, stream)
    text = os.fdopen(file, "a", encoding="utf-8", errors="replace", buffering=1)
    try:
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            yield
    finally:
        with contextlib.suppress(OSError):  # a full disk costs the log, not the trial
            text.flush()
        _flush()
        for stream, saved in before.items():
            os.dup2(saved, stream)
            os.close(saved)
        with contextlib.suppress(OSError):
            text.close()
        if not Path(path).stat().st_size:
            Path(path).unlink()
            with contextlib.suppress(OSError):  # its folder holds the weights
                Path(path).parent.rmdir()


def _open(path: Path) -> int | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError:
        return None


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # closed, or a pipe without a reader
            stream.flush()
