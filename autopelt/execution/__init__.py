"""Run trials in worker processes. The only package that imports ray, and only when it is started:
importing it takes seconds."""

from autopelt.execution.run import run_trials
from autopelt.execution.source import Outcome, TrialSource

__all__ = ["Outcome", "TrialSource", "run_trials"]
