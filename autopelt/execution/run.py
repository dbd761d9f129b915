"""The driver's side: feed specs to Ray Tune as workers become free, hand results back.

Ray is only the hands. It keeps no state that matters: its experiment lives in a scratch folder that
is deleted, and whatever is worth keeping goes through the `TrialSource` at once.
"""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import ray
from ray import tune
from ray.tune.search import Searcher

from autopelt.execution.front_scheduler import FrontScheduler
from autopelt.execution.quiet_ray import ray_session
from autopelt.execution.trainable import TrialTrainable
from autopelt.quantities import format_seconds
from autopelt.training.spec import TrialSpec


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: `failed` or `stopped` early, each a reason in one line, or neither."""

    failed: str = ""
    stopped: str = ""


class TrialSource(Protocol):
    """Who knows what to train; called in the driver's process only."""

    def next(self) -> TrialSpec | None:
        """The next training, or None when there is nothing more to start."""

    def progressed(self, number: int, result: dict[str, Any]) -> None:
        """An epoch of a trial ended; `result` has the fields of `EpochResult` and the worker."""

    def stops(self, number: int) -> str:
        """Why a trial is to be stopped now, in one line, or "" to let it go on.

        Asked after each epoch but the last, when `progressed` has been told of it.
        """

    def finished(self, number: int, outcome: Outcome) -> None:
        """A trial ended, well or not. Called once a trial."""


class _Feed(Searcher):
    """Ray Tune asks its search algorithm for configurations; ours come from the source."""

    def __init__(self, source: TrialSource) -> None:
        super().__init__(metric="score", mode="max")
        self._source = source
        self._numbers: dict[str, int] = {}
        self._deadlines: dict[int, tuple[float, float]] = {}
        self._stopped: dict[str, str] = {}
        self.error: BaseException | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Ray Tune pickles its search algorithm for a restore that never happens here."""
        return {}

    def suggest(self, trial_id: str) -> Any:
        if self.error is not None:
            return Searcher.FINISHED
        try:
            spec = self._source.next()
        except BaseException as error:  # Ray would swallow it or lose its kind
            self.error = error
            return Searcher.FINISHED
        if spec is None:
            return Searcher.FINISHED
        self._numbers[trial_id] = spec.number
        if spec.timeout is not None:
            self._deadlines[spec.number] = (time.monotonic() + spec.timeout, spec.timeout)
        return {"spec": spec}

    def stops(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Hand a result on, and ask whether the trial is to end with it."""
        number = self._numbers[trial_id]
        self._guard(lambda: self._source.progressed(number, _told(result)))
        reason = self._guard(lambda: self._source.stops(number))
        if reason:
            self._stopped[trial_id] = reason
        return bool(reason)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Nothing: the scheduler has handed it on."""

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        number = self._numbers.pop(trial_id, None)
        if number is None:
            return
        if error or result is None:
            reason = self._cause_of_death(number)
            self._guard(lambda: self._source.finished(number, Outcome(reason)))
            return
        stopped = self._stopped.pop(trial_id, "")
        if stopped:
            self._guard(lambda: self._source.finished(number, Outcome(stopped=stopped)))
            return
        told = _told(result)
        failed = str(told.get("failed", ""))
        if not failed:
            self._guard(lambda: self._source.progressed(number, told))
        self._guard(lambda: self._source.finished(number, Outcome(failed)))

    def _cause_of_death(self, number: int) -> str:
        deadline, timeout = self._deadlines.get(number, (math.inf, 0.0))
        if time.monotonic() >= deadline:
            return (
                f"it took longer than {format_seconds(timeout)} (--trial-timeout); "
                "its worker was replaced"
            )
        return "the worker process died (killed, or out of memory); it was replaced"

    def _guard(self, call: Callable[[], Any]) -> Any:
        """An error in the driver's own code stops the search; it is raised after Ray has ended."""
        if self.error is None:
            try:
                return call()
            except BaseException as error:
                self.error = error
        return None

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the study is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the study is the state."""


def _told(result: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(result["told"]))


def run_trials(
    source: TrialSource, *, workers: int, threads: int, address: str | None = None
) -> None:
    """Run all that the source gives, `workers` at once, asynchronously: none waits for a batch.

    Raises:
        Whatever the source raised, after the running trials have ended.
    """
    with ray_session(workers, threads, address) as scratch:
        feed = _Feed(source)
        gpus = ray.cluster_resources().get("GPU", 0.0)
        resources = {"cpu": 1.0} | ({"gpu": min(1.0, gpus / workers)} if gpus else {})
        tune.Tuner(
            tune.with_resources(TrialTrainable, resources),
            tune_config=tune.TuneConfig(
                search_alg=feed,
                scheduler=FrontScheduler(feed.stops),
                num_samples=-1,
                max_concurrent_trials=workers,
                reuse_actors=True,
                trial_dirname_creator=lambda trial: str(trial.trial_id),
            ),
            run_config=tune.RunConfig(
                name="trials",
                storage_path=str(scratch / "tune"),
                verbose=0,
                checkpoint_config=tune.CheckpointConfig(
                    checkpoint_at_end=False, checkpoint_frequency=0
                ),
                failure_config=tune.FailureConfig(max_failures=0),
            ),
        ).fit()
    if feed.error is not None:
        raise feed.error
