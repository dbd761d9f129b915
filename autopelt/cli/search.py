"""`autopelt search` and `resume`: start a study, say what it would cost, or go on with it."""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autopelt.cli.confirm import confirmed
from autopelt.cli.console import echo_table, event, for_programs, json_option, say
from autopelt.cli.options import as_typed, options
from autopelt.errors import InfeasibleError, UnexpectedEndError, command
from autopelt.workflows.options import OPTIONS

if TYPE_CHECKING:
    from autopelt.execution.session import Session
    from autopelt.views.terminal import View
    from autopelt.workflows.plan import Bound, Plan

FREE = [name for name, option in OPTIONS.items() if option.free]


@click.command(short_help="Search architectures for a task within a budget.")
@options(*OPTIONS)
@click.option("--config", "config_file", help="A configuration file; options override it.")
@click.option("--out", help="Folder of the study.  [default: reports/TASK-MODEL-BUDGET]")
@click.option("--dry-run", is_flag=True, help="Say what it would cost, and start nothing.")
@json_option
def search(
    config_file: str | None,
    out: str | None,
    dry_run: bool,
    ray_address: str | None,
    **given: Any,
) -> None:
    """Search architectures for a task within a budget of trainable parameters.

    Trains what people make by hand first (seed architectures), then what it proposes itself, having
    learned from the trials before. Everything is kept in one folder: report (index.html), study.db,
    config.yaml, trials.csv, best/.
    The same command on the same --out goes on with the study; --trials is its total.
    Ctrl-C once finishes the running trials, twice stops now; either can be resumed.

    \b
    Examples:
      autopelt search --task demo --budget 0.006%
      autopelt search --task rte --data glue --budget 0.5% --trials 60
      autopelt search --train a.csv --text premise --text-pair hypothesis --label gold
      autopelt search --config reports/rte-minilm-1pct/config.yaml --out reports/again
    """
    from autopelt.workflows.plan import bind, make_plan
    from autopelt.workflows.settings import new_folder, resolve_config

    config = resolve_config(config_file, given)
    given_folder = None if out is None else Path(out)
    bound = bind(config, given_folder)
    if dry_run:
        _price(make_plan(config, "", bound=bound))
        return
    made_by = as_typed()
    _run(
        bound,
        given_folder or new_folder(config, bound.task.name),
        ray_address,
        lambda begun: make_plan(config, made_by, given_folder, bound, begun),
    )


@click.command(short_help="Go on with a study that stopped, or give it more trials.")
@click.argument("study")
@options(*FREE, otherwise="the study's")
@options("ray_address")
@json_option
def resume(study: str, ray_address: str | None, **changes: Any) -> None:
    """Go on with a study that was stopped or killed, or give it more trials.

    \b
    Examples:
      autopelt resume reports/rte-minilm-1pct
      autopelt resume reports/rte-minilm-1pct --trials 100
    """
    from autopelt.study.there import require_study

    folder = Path(study)
    require_study(folder)
    from autopelt.study.storage import StudyStorage
    from autopelt.workflows.plan import bind, make_plan
    from autopelt.workflows.settings import changed_config

    stored = StudyStorage.open(folder)
    config, made_by = changed_config(stored, changes), stored.record().command
    bound = bind(config, folder)
    _run(bound, folder, ray_address, lambda begun: make_plan(config, made_by, folder, bound, begun))


def _price(plan: "Plan") -> None:
    """Say what a study would cost; writes nothing."""
    from autopelt.training.results import TrialFailure
    from autopelt.workflows.memory import too_much
    from autopelt.workflows.price import price, sentences

    say("\n".join([*plan.notes, *too_much(plan.config, plan.forecast)]))
    try:
        cost = price(plan)
    except TrialFailure as error:
        raise InfeasibleError(f"a trial would fail: {error}.") from None
    if for_programs():
        event("price", **asdict(cost))
        return
    say("\n".join(sentences(plan, cost)))
    say("Nothing was started. The same command without --dry-run runs the study.")


def _run(
    bound: "Bound",
    folder: Path,
    ray_address: str | None,
    planned: "Callable[[Callable[[], object]], Plan]",
) -> None:
    """Say at once what begins, then load what it takes, and run it.

    Args:
        planned: makes the plan, and calls what it is given as soon as Ray may start.
    """
    say(_first_line(bound, folder))
    from rich.console import Console

    from autopelt import execution
    from autopelt.system.signals import Stopped
    from autopelt.views.json_events import EventView, end_of
    from autopelt.views.terminal import LineView, LiveView
    from autopelt.workflows.memory import too_much
    from autopelt.workflows.plan import default_threads

    console = Console(stderr=for_programs())
    view: View
    if for_programs():
        view = EventView(sys.stdout)
    elif console.is_terminal and not os.environ.get("AUTOPELT_PLAIN"):
        view = LiveView(console)
    else:
        view = LineView(console)
    session: Session | None = None
    try:
        with view if isinstance(view, LiveView) else nullcontext() as live, ExitStack() as stack:

            def start() -> None:
                nonlocal session
                if ray_address is None:
                    workers = bound.config.workers
                    early = execution.started(workers, default_threads(workers), folder)
                    session = stack.enter_context(early)

            plan = planned(start)
            notes = list(plan.notes)
            if ray_address is None:  # of other machines nothing is known
                notes += too_much(plan.config, plan.forecast)
            for line in [*notes, *_announcement(plan, console.width)]:
                say(line)
            if isinstance(view, EventView):
                view.emit("study", **_beginning(plan, folder))
                for note in notes:
                    view.message(note)
            if live is not None:
                live.doing(None, "starting the workers")
            from autopelt.views.tensorboard import logging_to
            from autopelt.workflows.search import search

            shown = logging_to(view, folder, plan.config.tensorboard)
            record = search(plan, folder, shown, ray_address, session=session)
    except Stopped:
        raise UnexpectedEndError(
            f"stopped; nothing is lost. Go on with: {command('resume', folder)}"
        ) from None
    if plan.config.confirm_seeds is not None:
        record = confirmed(plan, folder)
    if isinstance(view, EventView):
        view.emit("done", **end_of(record, folder))
    from autopelt.views.conclusion import conclusion
    from autopelt.views.tables import front_table

    if record.front:
        say("\nWhat nothing smaller beats, as far as is known (the front):")
    echo_table(front_table(record))
    say(conclusion(record, folder))


def _beginning(plan: "Plan", folder: Path) -> dict[str, Any]:
    """The event ``study``."""
    return {
        "study": str(folder),
        "trials": plan.config.trials,
        "workers": plan.config.workers,
        "task": plan.facts.task.name,
        "metric": plan.facts.metric,
        "backbone": plan.facts.backbone.name,
        "backbone_parameters": plan.facts.backbone.parameters,
        "limit": plan.limit,
        "head": plan.facts.head,
        "space": plan.config.space.name,
    }


def _first_line(bound: "Bound", folder: Path) -> str:
    from autopelt.study.config import CONFIG

    config = bound.config
    exists = "going on with" if (folder / CONFIG).is_file() else "study"
    return (
        f"{exists} {folder}: {config.trials} trials on {bound.task.name}, "
        f"{config.workers} at a time"
    )


def _announcement(plan: "Plan", width: int) -> list[str]:
    from autopelt.samplers.local_search import LISTED
    from autopelt.space.points import enumerate_feasible
    from autopelt.study.objectives import limit_words
    from autopelt.views.terminal import NARROW, heading

    config, backbone, facts = plan.config, plan.facts.backbone, plan.facts
    limits = "".join(f"; {limit_words(name, most)}" for name, most in config.objectives.limits)
    head = f"; the task's own head, {facts.head:,} more, is not counted" if facts.head else ""
    seeds = len(plan.seeds)
    fitting = enumerate_feasible(plan.space, LISTED)  # None: more than can be listed
    within = "" if fitting is None else f", {len(fitting):,} of them within the budget"
    by_hand = f"the first {seeds} trials are architectures that people make by hand, to compare"
    if config.trials <= seeds:
        by_hand = f"all {config.trials} trials are architectures made by hand; give more --trials"
    return [
        f"model {backbone.name}: {backbone.parameters:,} parameters in {backbone.layers} layers, "
        "all frozen",
        f"budget {config.budget}: at most {plan.limit:,} parameters beside them{head}{limits}",
        f"space {config.space.name}: {len(plan.space.dimensions)} choices of what sits where and "
        f"how big, about 10^{len(str(plan.space.size)) - 1} architectures{within}",
        *([by_hand] if seeds else []),
        "a line for each trial that ends; * marks what nothing smaller beats so far:",
        heading(facts.metric, config.trials, narrow=width < NARROW),
    ]
