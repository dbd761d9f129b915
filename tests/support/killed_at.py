"""Run `autopelt` and kill the process itself, for real, at a named point of its own code.

    python tests/support/killed_at.py POINT COUNT [--here] search --task demo …

The function of the point is wrapped, and at its COUNTth call the process gets SIGKILL, which no
handler sees. Nothing else differs from `autopelt`, but that with --here it trains in that process.
"""

import functools
import importlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NamedTuple


class Point(NamedTuple):
    """When to die: before or after a call of ``module:name``, where `only` holds for its first
    argument."""

    phase: str
    when: str
    function: str
    only: Callable[[Any], bool] = lambda argument: True


def _named(*names: str) -> Callable[[Any], bool]:
    return lambda path: getattr(path, "name", "") in names


POINTS = {
    # start-up
    "plan-made": Point("start-up", "after", "autopelt.workflows.plan:make_plan"),
    "locked": Point("start-up", "before", "autopelt.study.database:remove_unborn"),
    "database-made": Point("start-up", "after", "optuna:create_study"),
    "configured": Point(
        "start-up", "before", "autopelt.study.storage:write_text", _named("config.yaml")
    ),
    "study-made": Point("start-up", "after", "autopelt.study.storage:StudyStorage.create"),
    "ray-started": Point("start-up", "after", "ray:init"),
    # proposing
    "seed-added": Point("proposing", "after", "autopelt.study.storage:StudyStorage.add"),
    "asked": Point("proposing", "after", "autopelt.study.storage:StudyStorage.ask"),
    "sampled": Point("proposing", "after", "autopelt.workflows.search:suggest"),
    "proposed": Point("proposing", "after", "autopelt.workflows.search:_Driver._propose"),
    "handed-out": Point("proposing", "after", "autopelt.workflows.search:_Driver._spec"),
    # training
    "first-epoch": Point("training", "before", "autopelt.workflows.search:_Driver.progressed"),
    "epoch-kept": Point("training", "after", "autopelt.study.storage:StudyStorage.progressed"),
    # telling
    "ended": Point("telling", "before", "autopelt.workflows.search:_Driver.finished"),
    "score-told": Point("telling", "before", "optuna.study:Study.tell"),
    "told": Point("telling", "after", "autopelt.study.storage:StudyStorage.complete"),
    "metrics": Point(
        "telling", "before", "autopelt.workflows.best:write_text", _named("metrics.json")
    ),
    "best-moved": Point("telling", "before", "autopelt.workflows.best:replace_directory"),
    "best-absent": Point("telling", "after", "pathlib:Path.rename", _named("best")),
    "best-replaced": Point("telling", "after", "autopelt.workflows.best:replace_directory"),
    # reporting
    "report": Point("reporting", "before", "autopelt.workflows.search:build"),
    "report-written": Point("reporting", "before", "autopelt.workflows.search:write_trials_csv"),
    "all-done": Point("reporting", "after", "autopelt.workflows.search:_Driver.write_report"),
}


def arm(point: Point, count: int) -> None:
    """Wrap the point's function."""
    module_name, _, path = point.function.partition(":")
    owner: Any = importlib.import_module(module_name)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    original = owner.__dict__[name]
    call = original.__func__ if isinstance(original, classmethod) else original
    left = count

    @functools.wraps(call)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        mine = point.only(arguments[0]) if arguments else True
        left -= mine
        if mine and left == 0 and point.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        value = call(*arguments, **named)
        if mine and left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return value

    setattr(owner, name, classmethod(wrapped) if isinstance(original, classmethod) else wrapped)


if __name__ == "__main__":
    from autopelt.cli.main import main

    name, times, *arguments = sys.argv[1:]
    if arguments[0] == "--here":
        from in_process import train_in_this_process

        train_in_this_process()
        del arguments[0]
    arm(POINTS[name], int(times))
    sys.exit(main(arguments))
