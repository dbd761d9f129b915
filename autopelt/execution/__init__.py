"""Run trials in worker processes. The only package that imports ray."""

from autopelt.execution.run import Outcome, TrialSource, run_trials

__all__ = ["Outcome", "TrialSource", "run_trials"]
