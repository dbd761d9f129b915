"""Search from Python; the command line calls the same functions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopelt.api.running import run
from autopelt.api.study import Study
from autopelt.workflows.plan import make_plan
from autopelt.workflows.settings import new_folder, resolve_config

if TYPE_CHECKING:
    from autopelt.views.terminal import View


def search(
    task: str | None = None,
    *,
    out: str | Path | None = None,
    config: str | Path | None = None,
    view: View | None = None,
    ray_address: str | None = None,
    **choices: Any,
) -> Study:
    """Search architectures for a task, or go on with the study in `out`; returns when it is done.

    Args:
        task: its name; None where `config` or ``train=`` says what to train on.
        out: folder of the study; None: ``reports/TASK-MODEL-BUDGET``.
        config: a configuration file; everything else overrides it.
        view: is told what happens; None prints a line a trial.
        ray_address: a running Ray cluster.
        choices: options of ``autopelt search``, with underscores: ``budget="1%"``, ``trials=60``.

    Raises:
        UsageError: a wrong choice; all of them are named at once.
        UnavailableError: model or data are not to be had.
        InfeasibleError: nothing fits the budget, or no trial finished.
        UnexpectedEndError: the user interrupted it; the study can be resumed.
    """
    flags = choices | ({} if task is None else {"task": task})
    resolved = resolve_config(None if config is None else str(config), flags)
    words = [f"task={task!r}"] if task is not None else []
    words += [f"{key}={value!r}" for key, value in choices.items()]
    place = None if out is None else Path(out)
    plan = make_plan(resolved, f"autopelt.search({', '.join(words)})", place)
    folder = new_folder(resolved, plan.facts.task.name) if out is None else Path(out)
    run(plan, folder, view, ray_address)
    return Study(folder)
