"""The worker's side: a Ray Tune trainable around `run_trial`, one step an epoch."""

import json
import math
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ray import tune

from autopelt.training.loop import EpochResult
from autopelt.training.spec import TrialSpec
from autopelt.training.trial import failure_reason, run_trial


class TrialTrainable(tune.Trainable):
    """Runs `TrialSpec`s one after another in one process (`reuse_actors`), model and data warm.

    An exception never leaves `step`: it would cost the warm process. It becomes a result with the
    key ``failed`` instead, and the trial ends.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Take a spec; training starts with the first step."""
        self._spec: TrialSpec = config["spec"]
        self._epochs: Iterator[EpochResult] | None = None
        self._begun = time.time()
        _die_after(self._spec.timeout)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next spec in the same process."""
        self._close()
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train one epoch."""
        told: dict[str, Any] = {"started": self._begun, "worker": str(os.getpid())}
        try:
            if self._epochs is None:
                self._epochs = run_trial(self._spec)
            result = next(self._epochs)
            done = result.epoch >= self._spec.training.epochs
            if done:  # the weights are written when the iterator ends
                for _ in self._epochs:
                    pass
                _die_after(None)
        except Exception as error:
            self._close()
            return _tune_result(told | {"failed": failure_reason(error)}, math.nan, done=True)
        return _tune_result(told | asdict(result), result.score, done)

    def cleanup(self) -> None:
        """Let go of the trial that may still be on the bench."""
        self._close()

    def _close(self) -> None:
        _die_after(None)
        closing, self._epochs = getattr(self, "_epochs", None), None
        if closing is not None:
            closing.close()


def _die_after(seconds: float | None) -> None:
    """Let the system end this process after so many seconds; None takes an earlier order back.

    By the kernel's timer: its signal ends a process that has no handler for it, also one that hangs
    in compiled code, where no Python thread would come to its turn.
    """
    signal.setitimer(signal.ITIMER_REAL, 0 if seconds is None else seconds)


def _tune_result(told: dict[str, Any], score: float, done: bool) -> dict[str, Any]:
    """A result as Ray Tune wants it: it insists on a score, and would flatten nested values."""
    return {"score": score, "told": json.dumps(told), "done": done}
