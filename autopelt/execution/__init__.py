"""Run trials in worker processes. The only package that imports ray."""

from autopelt.execution.check import ray_answers
from autopelt.execution.run import run_trials
from autopelt.execution.searcher import Outcome, TrialSource

__all__ = ["Outcome", "TrialSource", "ray_answers", "run_trials"]
