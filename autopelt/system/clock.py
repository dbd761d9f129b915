"""The time of day as a process may rely on it: it never jumps while the process lives."""

import time

_WALL, _STEADY = time.time(), time.monotonic()


def now() -> float:
    """Seconds since 1970, as the system had it when this process began, and steady since.

    Somebody who sets the system's clock, by hand or over the network, does not move it, so the
    difference of two is a duration.
    """
    return _WALL + time.monotonic() - _STEADY
