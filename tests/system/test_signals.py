"""Real signals to this process: which end at once, which are ignored, whose handler stays."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from autopelt.system.signals import AT_ONCE, Stopped, own_signals, stoppable


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    # Whoever runs these tests may have been started with nohup, which ignores SIGHUP.
    outside = {number: signal.signal(number, signal.SIG_DFL) for number in AT_ONCE}
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *AT_ONCE)}
    yield
    after = {number: signal.getsignal(number) for number in before}
    for number, handler in outside.items():
        signal.signal(number, handler)
    assert after == before


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.2)  # a handler runs at the next instruction


class Work:
    """Something stoppable that gets one signal after another; `survived` those it went on after."""

    def __init__(self) -> None:
        self.asked = False
        self.survived: list[signal.Signals] = []

    def ask(self) -> None:
        self.asked = True

    def gets(self, *signals: signal.Signals) -> None:
        with stoppable(lambda: self.asked, self.ask):
            with own_signals():  # as `ray.init` does; the default would end this process
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
            for number in signals:
                send(number)
                self.survived.append(number)


@pytest.mark.parametrize("number", AT_ONCE)
def test_a_batch_system_or_a_closed_terminal_stops_it_now(number: signal.Signals) -> None:
    work = Work()
    with pytest.raises(Stopped):
        work.gets(number)
    assert (work.asked, work.survived) == (False, [])


def test_ctrl_c_asks_first() -> None:
    work = Work()
    with pytest.raises(Stopped):
        work.gets(signal.SIGINT, signal.SIGINT)
    assert (work.asked, work.survived) == (True, [signal.SIGINT])


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    work = Work()
    try:
        work.gets(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert work.survived == [signal.SIGHUP]
