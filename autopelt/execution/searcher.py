"""Between a source of trials and Ray Tune: specs go out as workers become free, results come back.

What Ray calls a trial is here what one worker trains at once: one trial of the study, or several
that share a batch.
"""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ray.tune.search import Searcher

from autopelt.execution.source import Outcome, TrialSource
from autopelt.system.units import format_seconds
from autopelt.training.spec import TrialSpec


@dataclass
class _Group:
    """What one worker trains at once.

    Attributes:
        specs: by number, of the trials that have not ended.
        deadline: by `time.monotonic`, when the worker ends itself.
        epochs: by number, the last epoch that was told of.
        end: how what still runs ends, where that is known before Ray tells of it.
    """

    specs: dict[int, TrialSpec]
    deadline: float = math.inf
    epochs: dict[int, int] = field(default_factory=dict)
    end: Outcome | None = None


class Feed(Searcher):
    """Ray Tune asks its search algorithm for configurations; ours come from the source.

    Args:
        source: of the trials.
        together: trials that one worker trains at once.
        machine_lost: whether what Ray says of a worker's end means that its machine is gone.
        check: raises where Ray is gone: a call of it would hang, and all workers end with it.

    Attributes:
        error: what the source raised; nothing more is started then.
    """

    def __init__(
        self,
        source: TrialSource,
        together: int = 1,
        machine_lost: Callable[[str], bool] | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(metric="score", mode="max")
        self._source, self._together = source, together
        self._machine_lost = machine_lost or (lambda words: False)
        self._check = check
        self._groups: dict[str, _Group] = {}
        self._dry = False
        self.error: BaseException | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Ray Tune pickles its search algorithm for a restore that never happens here."""
        return {}

    def suggest(self, trial_id: str) -> Any:
        """The next specs for a worker."""
        specs: list[TrialSpec] = []
        while self.error is None and not self._dry and len(specs) < self._together:
            spec = self._call(self._source.next)
            if spec is not None:
                specs.append(spec)
            else:
                self._dry = self.error is None
        if not specs and self.error is None and self._groups:
            return None  # what runs may be lost, and then there is more to do
        if self.error is not None or not specs:
            return Searcher.FINISHED
        group = self._groups[trial_id] = _Group({spec.number: spec for spec in specs})
        if specs[0].timeout is not None:
            group.deadline = time.monotonic() + specs[0].timeout * len(specs)
        self._check()  # choosing took its time
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
        group = self._groups[trial_id]
        for number in group.specs:
            reason = self._call(self._source.stops, number)
            if reason:
                group.end = Outcome(stopped=reason)
        return group.end is not None

    def broke(self, trial_id: str, words: str) -> None:
        """A worker is gone, Ray says how; that its trial has ended is told next."""
        self._check()
        group = self._groups.get(trial_id)
        if group is not None and group.end is None and self._machine_lost(words):
            group.end = Outcome("its machine left the cluster", lost=True)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Nothing: the scheduler has handed it on."""

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Hand the last result on; whatever is still running then has stopped, or died."""
        if not error and result is not None:
            self._take(trial_id, result)
        group = self._groups.pop(trial_id, None)
        if group is None:
            return
        self._dry = self._dry and not (group.end is not None and group.end.lost)
        for number in list(group.specs):
            self._finish(group, number, group.end or _death(group))

    def _take(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Tell the source what a worker has told; what has ended is not heard of again.

        Ray tells the last result of a trial twice, so an epoch counts once.

        Returns:
            Whether an epoch was told of.
        """
        group = self._groups.get(trial_id, _Group({}))
        epochs = False
        for told in json.loads(result["told"]):
            number = told.pop("number")
            spec = group.specs.get(number)
            if spec is None or group.end is not None:
                continue
            if "doing" in told:
                self._call(self._source.doing, number, told["doing"])
            elif "failed" in told:
                self._finish(group, number, Outcome(told["failed"]))
            elif told["epoch"] > group.epochs.get(number, 0):
                group.epochs[number], epochs = told["epoch"], True
                self._call(self._source.progressed, number, told)
                if told["epoch"] >= spec.training.epochs:
                    self._finish(group, number, Outcome())
        return epochs

    def _finish(self, group: _Group, number: int, outcome: Outcome) -> None:
        del group.specs[number]
        self._call(self._source.finished, number, outcome)

    def _call(self, method: Callable[..., Any], *given: Any) -> Any:
        """An error in the driver's own code stops the search; it is raised after Ray has ended.

        Ray would swallow it or lose its kind.
        """
        if self.error is None:
            try:
                return method(*given)
            except KeyboardInterrupt:  # stop now, do not wait for what runs
                raise
            except BaseException as error:
                self.error = error
        return None

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the study is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the study is the state."""


def _death(group: _Group) -> Outcome:
    if time.monotonic() < group.deadline:
        return Outcome("the worker process died (killed, or out of memory); it was replaced")
    timeout = format_seconds(next(iter(group.specs.values())).timeout or 0.0)
    return Outcome(f"it took longer than {timeout} (trial_timeout); its worker was replaced")
