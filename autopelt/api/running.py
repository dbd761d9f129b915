"""Run a search from Python to its end: what it says, and what an interruption says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from autopelt.errors import UnexpectedEndError
from autopelt.execution.source import TrialSource
from autopelt.system.signals import Stopped
from autopelt.views.notebook import NotebookView
from autopelt.views.tensorboard import logging_to
from autopelt.views.terminal import LineView, View, heading
from autopelt.workflows import search as workflows_search
from autopelt.workflows.confirm import confirm_study
from autopelt.workflows.memory import too_much
from autopelt.workflows.plan import Plan


def run(
    plan: Plan,
    folder: Path,
    view: View | None,
    ray_address: str | None = None,
    runner: Callable[[TrialSource], None] | None = None,
) -> None:
    """As `autopelt.search`.

    Args:
        runner: runs the trials; None: Ray does.

    Raises:
        UnexpectedEndError: the user interrupted it; the study can be resumed.
        and as `autopelt.workflows.search.search`.
    """
    console = Console()
    shown = view or (NotebookView() if console.is_jupyter else LineView(console))
    again = f"autopelt.open_study('{folder}').resume()"
    if runner is not None:
        again = f"the same call, with out='{folder}'"
    try:
        with shown if isinstance(shown, NotebookView) else nullcontext():
            for line in plan.notes:
                shown.message(line)
            for line in too_much(plan.config, plan.forecast) if ray_address is None else ():
                shown.message(line)
            if view is None:
                shown.message(heading(plan.facts.metric, plan.config.trials))
            told = logging_to(shown, folder, plan.config.tensorboard)
            workflows_search.search(plan, folder, told, ray_address, runner)
            if plan.config.confirm_seeds is not None:
                confirm_study(plan, folder, seeds=None, top=None, workers=None, say=shown.message)
    except Stopped:
        raise UnexpectedEndError(f"stopped; nothing is lost. Go on with: {again}") from None
