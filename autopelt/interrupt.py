"""Ctrl-C: once, what runs is finished; twice, it stops now."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Stopped(Exception):  # noqa: N818 - the user asked for it
    """The user stopped; what was done is kept, and the same command goes on."""


@contextmanager
def stoppable(asked: Callable[[], bool], ask: Callable[[], None]) -> Iterator[None]:
    """Call `ask` at the first Ctrl-C; at the next, when it has been `asked`, stop at once.

    Raises:
        Stopped: it was stopped at once.
    """

    def stop(*_: object) -> None:
        if asked():
            raise KeyboardInterrupt
        ask()

    before: Callable[..., Any] | int | None
    try:
        before = signal.signal(signal.SIGINT, stop)
    except ValueError:  # not the main thread: the caller handles signals
        yield
        return
    try:
        yield
    except KeyboardInterrupt:
        raise Stopped from None
    finally:
        signal.signal(signal.SIGINT, before)
