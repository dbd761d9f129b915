"""Give memory that is free again back to the system, now and then."""

import ctypes
from functools import lru_cache
from typing import Any


def trim_heap() -> None:
    """Give back what this process's heap holds but does not use; nothing where that is unknown.

    A report and a fit of the surrogate need tens of MB for a moment, from several threads. The C
    library (glibc) keeps what they free, in pieces, so that a process grows for hours though what
    it holds does not. Takes milliseconds.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@lru_cache(maxsize=1)
def _malloc_trim() -> Any:
    try:
        return getattr(ctypes.CDLL(None), "malloc_trim", None)
    except (OSError, TypeError):  # no such library, or Windows
        return None
