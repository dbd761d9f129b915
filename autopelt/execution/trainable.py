"""The worker's side: a Ray Tune trainable around `run_group`, one step an epoch.

Steps before the first epoch tell what a trial is about to do."""

import json
import math
import os
import signal
from collections.abc import Generator
from dataclasses import asdict
from typing import Any

from ray import tune

from autopelt.execution.worker_log import logged
from autopelt.training.group import Told, run_group
from autopelt.training.results import Doing, EpochResult
from autopelt.training.spec import TrialSpec


class TrialTrainable(tune.Trainable):
    """Runs specs one group after another in one process (`reuse_actors`), model and data warm.

    An exception of a training never leaves `step`: it would cost the warm process. It is told as a
    result with the key ``failed`` instead.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Take specs; training starts with the first step."""
        self._specs: list[TrialSpec] = config["specs"]
        self._epochs: Generator[list[Told], None, None] | None = None
        self._left = {spec.number: spec.training.epochs for spec in self._specs}
        timeout = self._specs[0].timeout
        _die_after(None if timeout is None else timeout * len(self._specs))

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next specs in the same process."""
        self._close()
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train one epoch, or tell what comes before the first.

        What is printed goes to a file of the (first) trial.
        """
        with logged(self._specs[0].log):
            return self._epoch()

    def _epoch(self) -> dict[str, Any]:
        epochs = self._epochs = self._epochs or run_group(self._specs)
        about: dict[str, Any] = {"worker": str(os.getpid())}
        told = []
        for number, result in next(epochs, []):
            if isinstance(result, Doing):
                told.append({"number": number, "doing": result.text})
                continue
            if isinstance(result, EpochResult):
                told.append({"number": number} | about | asdict(result))
                ended = result.epoch >= self._left[number]
            else:
                told.append({"number": number} | about | {"failed": result})
                ended = True
            if ended:
                del self._left[number]
        done = not self._left or not told
        if done:
            self._close()
        # Ray Tune insists on a score, and would flatten nested values.
        return {"score": math.nan, "told": json.dumps(told), "done": done}

    def cleanup(self) -> None:
        """Let go of the trial that may still be on the model."""
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
