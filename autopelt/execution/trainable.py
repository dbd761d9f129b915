"""The worker's side: a Ray Tune trainable around `run_trial`, one step an epoch."""

import os
import time
from collections.abc import Iterator
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

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next spec in the same process."""
        self._close()
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train one epoch."""
        base = {"number": self._spec.number, "started": self._begun, "worker": str(os.getpid())}
        try:
            if self._epochs is None:
                self._epochs = run_trial(self._spec)
            result = next(self._epochs)
            done = result.epoch >= self._spec.training.epochs
            if done:  # the weights are written when the iterator ends
                for _ in self._epochs:
                    pass
        except Exception as error:
            self._close()
            return base | {"failed": failure_reason(error), "done": True}
        return base | {
            "epoch": result.epoch,
            "loss": result.loss,
            "score": result.score,
            "metrics": result.metrics,
            "best": result.best,
            "seconds": result.seconds,
            "done": done,
        }

    def cleanup(self) -> None:
        """Let go of the trial that may still be on the bench."""
        self._close()

    def _close(self) -> None:
        closing, self._epochs = getattr(self, "_epochs", None), None
        if closing is not None:
            closing.close()  # type: ignore[attr-defined]  # run_trial is a generator
