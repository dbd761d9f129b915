"""Run trials in worker processes. The only package that imports ray, and only when it is started.

run: the trials of a `TrialSource` (source); here: the same in this process; session: Ray, quiet and
gone afterwards; cluster: machines and the package on them; searcher, scheduler: Ray Tune's view;
trainable: the worker's side; worker_log: what a worker printed; watch: whether Ray lives; check:
whether it starts.
"""

from autopelt.execution.run import run_trials, started
from autopelt.execution.source import Outcome, TrialSource

__all__ = ["Outcome", "TrialSource", "run_trials", "started"]
