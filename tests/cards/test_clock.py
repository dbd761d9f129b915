"""The time of a search does not count the pauses between a stop and its resumption."""

from small_record import trial

from autopelt.cards.clock import PAUSE, Clock


def ran(number: int, begin: float, end: float | None, worker: str) -> object:
    return trial(number, 2, 0.5, started=begin, finished=end, worker=worker)


def test_no_trial_with_a_time_has_no_clock() -> None:
    assert Clock.of([]) is None
    assert Clock.of([ran(0, None, None, "a")]) is None  # type: ignore[arg-type]


def test_a_pause_before_other_workers_counts_nothing() -> None:
    clock = Clock.of([ran(1, 1100.0, 1130.0, "b"), ran(0, 0.0, 100.0, "a")])
    assert clock is not None
    assert clock.sessions == ((0.0, 100.0), (1100.0, 1130.0))
    assert [clock.at(t) for t in (0.0, 50.0, 100.0, 600.0, 1100.0, 1130.0)] == [
        *(0.0, 50.0, 100.0, 100.0, 100.0, 130.0)
    ]
    assert [clock.session(t) for t in (-5.0, 600.0, 1100.0)] == [0, 0, 1]


def test_a_long_proposal_of_the_same_worker_is_no_pause() -> None:
    clock = Clock.of([ran(0, 0.0, 10.0, "a"), ran(1, 10.0 + 2 * PAUSE, 140.0, "a")])
    assert clock is not None
    assert clock.sessions == ((0.0, 140.0),)


def test_time_never_runs_backwards() -> None:
    trials = [ran(n, 90.0 * n, 90.0 * n + 20, f"w{n}") for n in range(4)]
    clock = Clock.of(trials)
    assert clock is not None
    passed = [clock.at(float(t)) for t in range(-10, 400, 7)]
    assert passed == sorted(passed)
    assert passed[-1] == 80.0
