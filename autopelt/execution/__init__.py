"""Run trials in worker processes. The only package that imports ray."""

from autopelt.execution.check import ray_answers
from autopelt.execution.feed import Outcome, TrialSource
from autopelt.execution.run import run_trials

__all__ = ["Outcome", "TrialSource", "ray_answers", "run_trials"]
