"""Ctrl-C: once, what runs is finished; twice, it stops now. SIGTERM and a hang-up: it stops now."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

AT_ONCE = (signal.SIGTERM, signal.SIGHUP)
"""From batch systems and `docker stop`, seconds before SIGKILL; from a terminal that closes."""


_UNWINDING = 10.0
"""Seconds for which further signals are not heard, while what was begun is taken back."""


class Stopped(Exception):  # noqa: N818 - the user asked for it
    """The user stopped; what was done is kept, and the same command goes on."""


class _Interrupt:
    """A handler: raises KeyboardInterrupt, once."""

    def __init__(self) -> None:
        self._raised = -math.inf

    def hear(self) -> None:
        """From now on signals are heard again."""
        self._raised = -math.inf

    def __call__(self, *_: object) -> None:
        now = time.monotonic()
        if now - self._raised > _UNWINDING:
            self._raised = now
            raise KeyboardInterrupt


_interrupt = _Interrupt()
"""One for all: an impatient second Ctrl-C must not interrupt what the first one made begin."""


@contextmanager
def interruptible() -> Iterator[None]:
    """For a program: signals of `AT_ONCE` end it as Ctrl-C does, and each ends it once.

    What it was started to ignore (`nohup`, a job in the background) stays ignored. Not of the main
    thread: the caller handles signals.
    """
    _interrupt.hear()
    wanted = [s for s in (signal.SIGINT, *AT_ONCE) if signal.getsignal(s) is not signal.SIG_IGN]
    with _handled(dict.fromkeys(wanted, _interrupt)):
        yield


@contextmanager
def stoppable(asked: Callable[[], bool], ask: Callable[[], None]) -> Iterator[None]:
    """Call `ask` at the first Ctrl-C; at the next, when it has been `asked`, stop at once.

    A signal of `AT_ONCE` stops at once, unless this process was started to ignore it (`nohup`).

    Raises:
        Stopped: it was stopped at once.
    """

    def stop(*_: object) -> None:
        if asked():
            _interrupt()
        else:
            ask()

    _interrupt.hear()
    wanted: dict[signal.Signals, Callable[..., Any]] = {signal.SIGINT: stop}
    wanted |= {s: _interrupt for s in AT_ONCE if signal.getsignal(s) is not signal.SIG_IGN}
    with _handled(wanted) as ours:
        try:
            yield
        except KeyboardInterrupt:
            if not ours:
                raise
            raise Stopped from None


@contextmanager
def _handled(wanted: Mapping[signal.Signals, Callable[..., Any]]) -> Iterator[bool]:
    """Handle signals so, and afterwards as before; gives whether this thread may."""
    ours = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, wanted[number]) for number in wanted if ours}
    try:
        yield ours
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
