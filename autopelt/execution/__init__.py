"""Run trials in worker processes. The only package that imports ray."""

from autopelt.execution.check import ray_answers
from autopelt.execution.run import Outcome, TrialSource, run_trials

__all__ = ["Outcome", "TrialSource", "ray_answers", "run_trials"]
