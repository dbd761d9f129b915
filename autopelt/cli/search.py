"""What `autopelt search` and `resume` do, once their flags are parsed."""

import os
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from autopelt.cards.health import above_a_constant
from autopelt.cards.next_steps import to_train_and_export
from autopelt.cards.timeline import summary
from autopelt.cards.verdict import lead, verdict
from autopelt.cli.confirm import confirm_study
from autopelt.errors import UnexpectedEndError
from autopelt.study.record import FAILED, STOPPED, StudyRecord
from autopelt.study.storage import CONFIG, StudyStorage
from autopelt.system.signals import Stopped
from autopelt.system.units import format_share
from autopelt.views.json_events import EventView, described
from autopelt.views.tensorboard import logging_to
from autopelt.views.terminal import LineView, LiveView, table
from autopelt.workflows.plan import Plan, make_plan
from autopelt.workflows.search import search
from autopelt.workflows.settings import changed_config, new_folder, resolve_config


def run_search(
    config_file: str | None,
    out: str | None,
    flags: dict[str, Any],
    command: str,
    *,
    as_json: bool = False,
    ray_address: str | None = None,
) -> None:
    """Start a study, or go on with the one in `out`."""
    config = resolve_config(config_file, flags)
    plan = make_plan(config, command, None if out is None else Path(out))
    folder = Path(out) if out is not None else new_folder(config, plan.facts["task"]["name"])
    _run(plan, folder, as_json, ray_address)


def run_resume(
    study: str, changes: dict[str, Any], *, as_json: bool = False, ray_address: str | None = None
) -> None:
    """Go on with a study; `changes` are keys of its configuration that may change."""
    stored = StudyStorage.open(Path(study))
    config = changed_config(stored, changes)
    plan = make_plan(config, stored.record().command, Path(study))
    _run(plan, Path(study), as_json, ray_address)


def _run(plan: Plan, folder: Path, as_json: bool, ray_address: str | None) -> None:
    console = Console(stderr=as_json)
    _announce(console, plan, folder)
    try:
        if as_json:
            events = EventView(sys.stdout)
            events.emit("study", **_study_event(plan, folder))
            for note in plan.notes:
                events.message(note)
            record = search(
                plan, folder, logging_to(events, folder, plan.config.tensorboard), ray_address
            )
        elif console.is_terminal and not os.environ.get("AUTOPELT_PLAIN"):
            with LiveView(console) as live:
                record = search(
                    plan, folder, logging_to(live, folder, plan.config.tensorboard), ray_address
                )
        else:
            view = logging_to(LineView(console), folder, plan.config.tensorboard)
            record = search(plan, folder, view, ray_address)
    except Stopped:
        command = f"autopelt resume {folder}"
        if as_json:
            EventView(sys.stdout).emit("interrupted", study=str(folder), resume=command)
        raise UnexpectedEndError(f"stopped; nothing is lost. Go on with: {command}") from None
    if plan.config.confirm_seeds is not None:
        record = confirm_study(plan, folder, console)
    if as_json:
        EventView(sys.stdout).emit("done", **_done_event(record, folder))
    _conclude(console, record, folder)


def _study_event(plan: Plan, folder: Path) -> dict[str, Any]:
    return {
        "study": str(folder),
        "trials": plan.config.trials,
        "workers": plan.config.workers,
        "task": plan.facts["task"]["name"],
        "metric": plan.facts["metric"],
        "backbone": plan.facts["backbone"]["name"],
        "backbone_parameters": plan.facts["backbone"]["parameters"],
        "limit": plan.limit,
        "head": plan.facts["head"],
        "space": plan.config.space.name,
    }


def _done_event(record: StudyRecord, folder: Path) -> dict[str, Any]:
    best, seed = record.best, record.best_seed
    return {
        "study": str(folder),
        "complete": len(record.complete),
        "failed": sum(t.state == FAILED for t in record.trials),
        "stopped": sum(t.state == STOPPED for t in record.trials),
        "front": [t.number for t in record.front],
        "hypervolume": record.hypervolume(),
        "best": None if best is None else described(best) | {"score": best.score},
        "best_seed": None if seed is None else described(seed) | {"score": seed.score},
        "verdict": None if best is None else lead(verdict(record)),
        "report": str(folder / "index.html"),
    }


def _announce(console: Console, plan: Plan, folder: Path) -> None:
    config, backbone = plan.config, plan.facts["backbone"]
    exists = "going on with" if (folder / CONFIG).is_file() else "study"
    lines = [
        f"{exists} {folder}: {config.trials} trials on {plan.facts['task']['name']}, "
        f"{config.workers} at a time",
        f"backbone {backbone['name']}: {backbone['parameters']:,} parameters, "
        f"{backbone['layers']} layers; budget {config.budget} = {plan.limit:,} parameters; "
        f"task head {plan.facts['head']:,}, apart",
        f"space {config.space.name}: {len(plan.space.dimensions)} choices, about "
        f"10^{len(str(plan.space.size)) - 1} architectures; data: {plan.facts['task']['source']}",
    ]
    seeds = len(plan.seeds)
    if config.trials <= seeds:
        lines.append(
            f"all {config.trials} trials go to seed architectures; for a search give more --trials"
        )
    lines.append(
        "a line a trial: number (* on the front when it ended), score, deployed parameters, share, "
        "time, architecture"
    )
    for line in [*lines, *plan.notes]:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _conclude(console: Console, record: StudyRecord, folder: Path) -> None:
    """The last lines: front, verdict, report, and what to do with the result."""
    console.print()
    console.print(table(record, record.front))
    console.print()
    best = record.best
    found = ""
    if best is not None:
        found = (
            f"{lead(verdict(record))}\n"
            f"Best: {record.metric} {best.score:.4f} with {best.count.deployed:,} parameters "
            f"({format_share(best.count.share)}), one random seed, selection split.\n"
        )
    else:
        found = f"No trial within the budget of {record.limit:,} parameters finished.\n"
    if record.early_stopping.on:
        found += f"Early stopping: {record.early_stopping.words}.\n"
    learned = None if record.confirmed else above_a_constant(record)  # then the verdict says it
    if learned is not None and learned.level == "warning":
        found += f"Warning: {learned.words}\n"
    train, export = to_train_and_export(record, str(folder))
    console.print(
        f"{found}"
        f"Time:    {summary(record)}\n"
        f"Report:  {folder / 'index.html'}\n"
        f"{'' if record.confirmed else f'Confirm: autopelt confirm {folder}' + chr(10)}"
        f"Train:   autopelt train {train}\n"
        f"Export:  autopelt export {export} --to autopelt --out {folder}-export",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    sys.stdout.flush()
