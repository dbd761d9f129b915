"""Runs trials one after another in this process: what workers do, without Ray's start."""

import json
from dataclasses import asdict, replace

from autopelt.execution import Outcome, TrialSource
from autopelt.training.trial import failure_reason, run_trial


def run_in_process(
    source: TrialSource, *, workers: int, threads: int, address: str | None = None
) -> None:
    """As `autopelt.execution.run_trials`."""
    while (spec := source.next()) is not None:
        try:
            for result in run_trial(replace(spec, threads=1)):
                told = json.loads(json.dumps(asdict(result) | {"worker": "here"}))
                source.progressed(spec.number, told)
                source.progressed(spec.number, told)  # Ray tells some results twice
        except Exception as error:
            source.finished(spec.number, Outcome(failure_reason(error)))
        else:
            source.finished(spec.number, Outcome())
