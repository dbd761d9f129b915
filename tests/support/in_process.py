"""Runs trials one after another in this process: what workers do, without Ray's start."""

import json
import math
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

from autopelt import execution
from autopelt.execution import Outcome, TrialSource
from autopelt.execution.worker_log import logged
from autopelt.training.results import Doing
from autopelt.training.spec import TrialSpec


def run_in_process(
    source: TrialSource,
    *,
    workers: int,
    threads: int,
    together: int = 1,
    address: str | None = None,
    shared: Path | None = None,
    session: None = None,
) -> None:
    """As `autopelt.execution.run_trials`, but that no trial is ended after its timeout.

    A search builds its report at its end only: one costs as much as a training of a tiny model.
    """
    vars(source)["_report_due"] = math.inf
    while specs := list(islice(iter(source.next, None), together)):
        _train(source, [replace(spec, threads=1) for spec in specs])


def train_in_this_process(setattr=setattr) -> None:
    """From now on no command starts Ray.

    Args:
        setattr: of a `pytest.MonkeyPatch`, to be undone.
    """
    setattr(execution, "run_trials", run_in_process)
    setattr(execution, "started", lambda *_: nullcontext())


def _train(source: TrialSource, specs: Sequence[TrialSpec]) -> None:
    from autopelt.training.group import run_group

    epochs = {spec.number: spec.training.epochs for spec in specs}
    with closing(run_group(specs)) as steps:
        while True:
            with logged(specs[0].log):
                told = next(steps, None)
            if told is None:
                return
            for number, result in told:
                if isinstance(result, Doing):
                    source.doing(number, result.text)
                elif isinstance(result, str):
                    source.finished(number, Outcome(result))
                else:
                    as_sent = json.loads(json.dumps(asdict(result) | {"worker": "here"}))
                    source.progressed(number, as_sent)
                    if result.epoch >= epochs[number]:
                        source.finished(number, Outcome())
                    elif len(specs) == 1 and (reason := source.stops(number)):
                        steps.close()
                        source.finished(number, Outcome(stopped=reason))
                        return
