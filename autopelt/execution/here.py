"""Trials one after another in this process, for what no other process can be given."""

from collections.abc import Callable
from dataclasses import asdict

from autopelt.execution.source import Outcome, TrialSource
from autopelt.training.results import EpochResult, Tell
from autopelt.training.spec import TrialSpec


def run_here(
    source: TrialSource,
    run: Callable[[TrialSpec, Tell], str],
    reason: Callable[[BaseException, TrialSpec], str],
) -> None:
    """Run all that the source gives.

    Args:
        source: of the trials.
        run: trains one; gives the reason why it was stopped early, or "".
        reason: of what `run` raised, in one line.

    Raises:
        KeyboardInterrupt: it was interrupted in the middle of a trial, which stays unfinished.
        Whatever the source raised.
    """
    while (spec := source.next()) is not None:
        line = _Line(source, spec.number)
        try:
            outcome = Outcome(stopped=run(spec, line.tell))
        except KeyboardInterrupt:
            raise
        except (Exception, SystemExit) as error:  # of a function that is not ours
            outcome = Outcome(failed=reason(error, spec))
        if line.broken is not None:
            raise line.broken
        source.finished(spec.number, outcome)


class _Line:
    """From a trial to the source; remembers what the source raised, as a trial may swallow it."""

    def __init__(self, source: TrialSource, number: int) -> None:
        self.source, self.number = source, number
        self.broken: BaseException | None = None

    def tell(self, result: EpochResult) -> str:
        try:
            self.source.progressed(self.number, {"worker": "this process"} | asdict(result))
            return self.source.stops(self.number)
        except BaseException as error:
            self.broken = error
            raise
