"""Trainings beyond a search: a fixed list, run by the workers, each kept as soon as it ends.

`confirm` and `compare` are made of these. What is in the ledger is never trained again, so both go
on where they stopped.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from autopelt import execution
from autopelt.errors import InfeasibleError
from autopelt.execution import Outcome
from autopelt.study.config import TrainingConfig
from autopelt.study.ledger import About, Ledger, Training
from autopelt.system.clock import now
from autopelt.system.signals import Stopped, stoppable
from autopelt.system.units import format_score
from autopelt.training.spec import Setup, TrialSpec
from autopelt.workflows.plan import default_threads
from autopelt.workflows.progress import Progress

Say = Callable[[str], None]


@dataclass(frozen=True)
class Job(Generic[About]):
    """One training to do.

    Attributes:
        name: for a person.
        about: what its line in the ledger begins with.
        architecture: canonical JSON.
        random_seed, setup, training: as for `TrialSpec`.
        report: score the report split.
        timeout: seconds after which it fails, or None.
    """

    name: str
    about: About
    architecture: str
    random_seed: int
    setup: Setup
    training: TrainingConfig
    report: bool = True
    timeout: float | None = None


def run_jobs(
    jobs: Sequence[Job[About]], ledger: Ledger[About], *, workers: int, metric: str, say: Say
) -> None:
    """Run the jobs in order, `workers` at once, and add a line for each to the ledger.

    Raises:
        Stopped: the user interrupted.
        InfeasibleError: the first three all failed for one cause.
        UnavailableError: the ledger cannot be written.
    """
    if not jobs:
        return
    source = _Source(jobs, ledger, metric, say, default_threads(workers))
    with stoppable(lambda: source.stopping, source.ask_to_stop):
        execution.run_trials(source, workers=workers, threads=source.threads)
    if source.hopeless:
        raise InfeasibleError(source.hopeless)
    if source.stopping:
        raise Stopped


class _Source(Generic[About]):
    """Hands out jobs and keeps what becomes of them; the `TrialSource` of `run_trials`."""

    def __init__(
        self,
        jobs: Sequence[Job[About]],
        ledger: Ledger[About],
        metric: str,
        say: Say,
        threads: int,
    ) -> None:
        self.jobs, self.ledger, self.metric, self.say = jobs, ledger, metric, say
        self.threads = threads
        self.stopping, self.hopeless = False, ""
        self._started = self._ended = 0
        self._progress: dict[int, Progress] = {}
        self._causes: list[str] = []

    def next(self) -> TrialSpec | None:
        if self.stopping or self.hopeless or self._started >= len(self.jobs):
            return None
        number, job = self._started, self.jobs[self._started]
        self._started += 1
        return TrialSpec(
            number=number,
            architecture=job.architecture,
            random_seed=job.random_seed,
            setup=job.setup,
            training=job.training,
            threads=self.threads,
            report=job.report,
            timeout=job.timeout,
        )

    def doing(self, number: int, text: str) -> None:
        """Nothing: a line a training, when it ends."""

    def progressed(self, number: int, result: dict[str, Any]) -> None:
        self._progress.setdefault(number, Progress()).add(result)

    def stops(self, number: int) -> str:
        """Never: what is compared is trained to the end."""
        del number
        return ""

    def finished(self, number: int, outcome: Outcome) -> None:
        job, known = self.jobs[number], self._progress.pop(number, Progress())
        score, best = known.held_out.pop("score", None), known.best
        reason = outcome.failed
        if not reason and best is None:
            reason = "it ended without a score"
        elif not reason and job.report and (score is None or not math.isfinite(score)):
            reason = f"its score on the report split is {score}"
        if reason or best is None:
            training = Training(job.random_seed, None, reason=reason, finished=now())
        else:
            metrics = known.held_out.get("metrics", {})
            training = Training.of(
                known.held_out
                | {
                    "random_seed": job.random_seed,
                    "score": score,
                    "metrics": {k: v for k, v in metrics.items() if math.isfinite(v)},
                    "selection": best["score"],
                    "epoch": best["epoch"],
                    "epochs": known.scores,
                    "seconds": known.seconds,
                    "finished": now(),
                }
            )
        self.ledger.append(job.about, training)
        self._ended += 1
        self._tell(job.name, training)
        self._causes.append(reason)
        if len(self._causes) >= 3 and reason and set(self._causes) == {reason}:
            self.hopeless = (
                f"the first {len(self._causes)} trainings failed for one cause: {reason}."
            )

    def _tell(self, name: str, training: Training) -> None:
        place = f"{self._ended:>{len(str(len(self.jobs)))}} of {len(self.jobs)}"
        split, score = "report", training.score
        if score is None:
            split, score = "selection", training.selection
        words = f"failed: {training.reason}"
        if score is not None and not training.reason:
            words = f"{split} {self.metric} {format_score(score)}, epoch {training.epoch}"
        self.say(f"{place}  {name}: {words}")

    def ask_to_stop(self) -> None:
        """Start nothing more; what runs finishes, and what has ended is kept."""
        self.stopping = True
        self.say("stopping: running trainings finish first (Ctrl-C again stops now)")
