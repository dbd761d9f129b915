"""Ray Tune's view: a scheduler that stops a trial when the source of the trials says so.

Ray's own schedulers see one metric, and stopping by the score alone throws away every small
architecture, and with them the front. This one knows nothing itself: it asks after every result.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler


class FrontScheduler(FIFOScheduler):
    """Runs trials in the order in which they come, and stops those that `stops` names.

    Args:
        stops: told of each result but a trial's last, by Ray's id of the trial; whether to stop it.
        broke: told of a trial whose worker is gone, before the trial ends, and Ray's words on it.
    """

    _supports_buffered_results = False

    def __init__(
        self, stops: Callable[[str, dict[str, Any]], bool], broke: Callable[[str, str], None]
    ) -> None:
        super().__init__()
        self._stops, self._broke = stops, broke

    def __getstate__(self) -> dict[str, Any]:
        """Ray Tune pickles its scheduler for a restore that never happens here."""
        return {}

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Stop or go on."""
        del tune_controller
        stop = self._stops(trial.trial_id, result)
        return str(TrialScheduler.STOP if stop else TrialScheduler.CONTINUE)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Hand on what Ray says of the worker's end; Ray has it in a file of the trial."""
        del tune_controller
        words = ""
        with suppress(OSError, TypeError):
            words = Path(str(trial.error_file)).read_text(encoding="utf-8")
        self._broke(trial.trial_id, words)


class OnStep(Callback):
    """Calls `check` at each step of Ray Tune's loop, several times a second."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check

    def __getstate__(self) -> dict[str, Any]:
        """Ray Tune pickles its callbacks for a restore that never happens here."""
        return {}

    def on_step_begin(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Whatever it raises ends the loop."""
        del iteration, trials, info
        self._check()
