"""Ctrl-C: once, what runs is finished; twice, it stops now. SIGTERM and a hang-up: it stops now."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

AT_ONCE = (signal.SIGTERM, signal.SIGHUP)
"""From batch systems and `docker stop`, seconds before SIGKILL; from a terminal that closes."""


class Stopped(Exception):  # noqa: N818 - the user asked for it
    """The user stopped; what was done is kept, and the same command goes on."""


@contextmanager
def stoppable(asked: Callable[[], bool], ask: Callable[[], None]) -> Iterator[None]:
    """Call `ask` at the first Ctrl-C; at the next, when it has been `asked`, stop at once.

    A signal of `AT_ONCE` stops at once, unless this process was started to ignore it (`nohup`).

    Raises:
        Stopped: it was stopped at once.
    """

    def stop(*_: object) -> None:
        if asked():
            raise KeyboardInterrupt
        ask()

    def stop_now(*_: object) -> None:
        raise KeyboardInterrupt

    wanted: dict[signal.Signals, Callable[..., Any]] = {signal.SIGINT: stop}
    wanted |= {s: stop_now for s in AT_ONCE if signal.getsignal(s) is not signal.SIG_IGN}
    before: dict[signal.Signals, Any] = {}
    try:
        try:
            for number, handler in wanted.items():
                before[number] = signal.signal(number, handler)
        except ValueError:  # not the main thread: the caller handles signals
            pass
        yield
    except KeyboardInterrupt:
        if not before:
            raise
        raise Stopped from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def own_signals() -> Iterator[None]:
    """What is called in here (`ray.init`) may set handlers of its own; they are taken back."""
    before = {number: signal.getsignal(number) for number in AT_ONCE}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None and threading.current_thread() is threading.main_thread():
                signal.signal(number, handler)
