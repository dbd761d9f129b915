"""Between a source of trials and Ray Tune: specs go out as workers become free, results come back.

What Ray calls a trial is here what one worker trains at once: one trial of the study, or several
that share a batch.
"""

import json
import math
import time
from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher

from autopelt.execution.source import Outcome, TrialSource
from autopelt.system.units import format_seconds
from autopelt.training.spec import TrialSpec


class Feed(Searcher):
    """Ray Tune asks its search algorithm for configurations; ours come from the source.

    Args:
        source: of the trials.
        together: trials that one worker trains at once.
        machine_lost: whether what Ray says of a worker's end means that its machine is gone.

    Attributes:
        error: what the source raised; nothing more is started then.
    """

    def __init__(
        self,
        source: TrialSource,
        together: int = 1,
        machine_lost: Callable[[str], bool] = lambda words: False,
    ) -> None:
        super().__init__(metric="score", mode="max")
        self._source, self._together = source, together
        self._machine_lost = machine_lost
        self._running: dict[str, dict[int, TrialSpec]] = {}
        self._epochs: dict[int, int] = {}
        self._deadlines: dict[str, tuple[float, float]] = {}
        self._stopped: dict[str, str] = {}
        self._lost: set[str] = set()
        self._dry = False
        self.error: BaseException | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Ray Tune pickles its search algorithm for a restore that never happens here."""
        return {}

    def suggest(self, trial_id: str) -> Any:
        """The next specs for a worker."""
        specs: list[TrialSpec] = []
        while self.error is None and not self._dry and len(specs) < self._together:
            try:
                spec = self._source.next()
            except KeyboardInterrupt:  # stop now, do not wait for what runs
                raise
            except BaseException as error:  # Ray would swallow it or lose its kind
                self.error = error
                break
            if spec is None:
                self._dry = True
                break
            specs.append(spec)
        if not specs and self.error is None and self._running:
            return None  # what runs may be lost, and then there is more to do
        if self.error is not None or not specs:
            return Searcher.FINISHED
        self._running[trial_id] = {spec.number: spec for spec in specs}
        self._epochs |= {spec.number: 0 for spec in specs}
        if specs[0].timeout is not None:
            allowed = specs[0].timeout * len(specs)
            self._deadlines[trial_id] = (time.monotonic() + allowed, specs[0].timeout)
        return {"specs": specs}

    def stops(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Hand a result on, and ask whether the worker's trial is to end with it.

        After an error all end: nobody would hear of their results.
        """
        epochs = self._take(trial_id, result)
        if self.error is not None:
            return True
        if not epochs or self._together > 1:
            return False
        for number in self._running.get(trial_id, {}):
            reason = self._guard(lambda number=number: self._source.stops(number))  # type: ignore[misc]  # bound now
            if reason:
                self._stopped[trial_id] = reason
        return trial_id in self._stopped

    def broke(self, trial_id: str, words: str) -> None:
        """A worker is gone, Ray says how; that its trial has ended is told next."""
        if self._machine_lost(words):
            self._lost.add(trial_id)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Nothing: the scheduler has handed it on."""

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Hand the last result on; whatever is still running then has stopped, or died."""
        if not error and result is not None:
            self._take(trial_id, result)
        stopped = self._stopped.pop(trial_id, "")
        deadline = self._deadlines.pop(trial_id, (math.inf, 0.0))
        if stopped:
            outcome = Outcome(stopped=stopped)
        elif trial_id in self._lost:
            self._dry = False
            outcome = Outcome("its machine left the cluster", lost=True)
        else:
            outcome = Outcome(_cause_of_death(deadline))
        for number in self._running.pop(trial_id, {}):
            self._finish(number, outcome)

    def _take(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Tell the source what a worker has told; what has ended is not heard of again.

        Ray tells the last result of a trial twice, so an epoch counts once.

        Returns:
            Whether an epoch was told of.
        """
        running = self._running.get(trial_id, {})
        epochs = False
        for told in json.loads(result["told"]):
            number = told.pop("number")
            spec = running.get(number)
            if spec is None or trial_id in self._stopped:
                continue
            if "doing" in told:
                self._guard(lambda n=number, t=told: self._source.doing(n, t["doing"]))  # type: ignore[misc]  # bound now
                continue
            if "failed" in told:
                del running[number]
                self._finish(number, Outcome(told["failed"]))
                continue
            if told["epoch"] <= self._epochs[number]:
                continue
            self._epochs[number], epochs = told["epoch"], True
            self._guard(lambda n=number, t=told: self._source.progressed(n, t))  # type: ignore[misc]  # bound now
            if told["epoch"] >= spec.training.epochs:
                del running[number]
                self._finish(number, Outcome())
        return epochs

    def _finish(self, number: int, outcome: Outcome) -> None:
        del self._epochs[number]
        self._guard(lambda: self._source.finished(number, outcome))

    def _guard(self, call: Callable[[], Any]) -> Any:
        """An error in the driver's own code stops the search; it is raised after Ray has ended."""
        if self.error is None:
            try:
                return call()
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self.error = error
        return None

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the study is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the study is the state."""


def _cause_of_death(deadline: tuple[float, float]) -> str:
    when, timeout = deadline
    if time.monotonic() >= when:
        return (
            f"it took longer than {format_seconds(timeout)} (trial_timeout); "
            "its worker was replaced"
        )
    return "the worker process died (killed, or out of memory); it was replaced"
