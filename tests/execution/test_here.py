"""Trials in this process: what a source is told, and whose error is whose."""

import pytest

from autopelt.execution.here import run_here
from autopelt.execution.source import Outcome
from autopelt.study.config import TrainingConfig
from autopelt.training.results import EpochResult
from autopelt.training.spec import Setup, TrialSpec


class Source:
    def __init__(self, trials=2, breaks=None, stops=""):
        self.left, self.told, self.breaks, self.why = list(range(trials)), [], breaks, stops

    def next(self):
        number = self.left.pop(0) if self.left else None
        setup, training = Setup("m", "t"), TrainingConfig(epochs=2)
        return None if number is None else TrialSpec(number, "{}", 0, setup, training)

    def doing(self, number, text): ...

    def progressed(self, number, result):
        if self.breaks is not None:
            raise self.breaks
        self.told.append((number, result["epoch"], result["worker"]))

    def stops(self, number):
        return self.why

    def finished(self, number, outcome):
        self.told.append((number, outcome))


def epochs(spec, tell):
    return tell(EpochResult(1, 0.0, 0.5, {}, True))


def words(error, spec):
    return f"{spec.number}: {error!r}"


def test_trials_run_one_after_another():
    source = Source()
    run_here(source, epochs, words)
    here = "this process"
    assert source.told == [(0, 1, here), (0, Outcome()), (1, 1, here), (1, Outcome())]


def test_one_that_is_to_stop_has_stopped():
    source = Source(trials=1, stops="hopeless")
    run_here(source, epochs, words)
    assert source.told[-1] == (0, Outcome(stopped="hopeless"))


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1)])
def test_what_a_trial_raises_is_its_failure_and_the_next_one_runs(error):
    def breaks(spec, tell):
        raise error

    source = Source()
    run_here(source, breaks, words)
    assert source.told == [(n, Outcome(failed=f"{n}: {error!r}")) for n in (0, 1)]


def test_what_the_source_raises_is_never_taken_for_the_trials_even_if_that_swallows_it():
    def deaf(spec, tell):
        try:
            epochs(spec, tell)
        except OSError:
            return ""
        raise AssertionError

    source = Source(breaks=OSError("disk full"))
    with pytest.raises(OSError, match="disk full"):
        run_here(source, deaf, words)
    assert source.told == []


def test_an_interruption_leaves_the_trial_unfinished():
    def interrupted(spec, tell):
        raise KeyboardInterrupt

    source = Source()
    with pytest.raises(KeyboardInterrupt):
        run_here(source, interrupted, words)
    assert source.told == []
