"""Runs trials one after another in this process: what workers do, without Ray's start."""

import json
from dataclasses import asdict, replace
from pathlib import Path

from autopelt.execution import Outcome, TrialSource
from autopelt.training.spec import TrialSpec
from autopelt.training.trial import failure_reason, run_trial


def run_in_process(
    source: TrialSource,
    *,
    workers: int,
    threads: int,
    together: int = 1,
    address: str | None = None,
    shared: Path | None = None,
) -> None:
    """As `autopelt.execution.run_trials`."""
    while (spec := source.next()) is not None:
        try:
            outcome = _run(source, spec)
        except Exception as error:
            outcome = Outcome(failure_reason(error))
        source.finished(spec.number, outcome)


def _run(source: TrialSource, spec: TrialSpec) -> Outcome:
    epochs = run_trial(replace(spec, threads=1))
    for result in epochs:
        told = json.loads(json.dumps(asdict(result) | {"worker": "here"}))
        source.progressed(spec.number, told)
        reason = source.stops(spec.number) if result.epoch < spec.training.epochs else ""
        if reason:
            epochs.close()
            return Outcome(stopped=reason)
    return Outcome()
