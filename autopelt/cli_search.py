"""What `autopelt search`, `resume` and `report` do, once their flags are parsed."""

import os
import re
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from autopelt.architecture import load_yaml
from autopelt.cli_confirm import confirm_study
from autopelt.config import StudyConfig
from autopelt.driver import Stopped, search
from autopelt.errors import UnexpectedEndError, UsageError
from autopelt.files import read_text
from autopelt.plan import Plan, make_plan
from autopelt.quantities import format_share
from autopelt.records import StudyRecord
from autopelt.report.timeline import summary
from autopelt.report.verdict import lead, verdict
from autopelt.space import SearchSpace
from autopelt.study import CONFIG, Study
from autopelt.tasks import Task, make_task, task_from_files
from autopelt.view import LineView, LiveView, table

OWN_DATA = (
    *("train", "validation", "test", "train_target", "validation_target", "test_target"),
    *("text", "text_pair", "label", "target", "kind", "score", "prefix"),
)
"""Flags that describe a task on the user's own data."""

_TRAINING = ("epochs", "batch_size", "max_length", "train_examples", "learning_rate_factor")


def run_search(
    config_file: str | None, out: str | None, flags: dict[str, Any], command: str
) -> None:
    """Start a study, or go on with the one in `out`."""
    config = resolve_config(config_file, flags)
    plan = make_plan(config, command)
    folder = Path(out) if out is not None else _new_folder(config, plan.facts["task"]["name"])
    _run(plan, folder)


def run_resume(
    study: str,
    trials: int | None,
    workers: int | None,
    trial_timeout: str | None,
    cache_memory: str | None,
) -> None:
    """Go on with a study."""
    folder = Path(study)
    stored = Study.open(folder)
    changed = stored.config.model_dump(mode="json")
    given = {
        "trials": trials,
        "workers": workers,
        "trial_timeout": trial_timeout,
        "cache_memory": cache_memory,
    }
    changed |= {key: value for key, value in given.items() if value is not None}
    if trial_timeout == "none":
        changed["trial_timeout"] = None
    config = StudyConfig.build(changed, "the command line")
    done = len(stored.record().trials)
    if config.trials < done:
        raise UsageError(
            f"--trials {config.trials} is the total, but the study has {done} trials already."
        )
    _run(make_plan(config, stored.record().command), folder)


def resolve_config(config_file: str | None, flags: dict[str, Any]) -> StudyConfig:
    """Flags over a configuration file over the task's own usual values.

    Raises:
        UsageError: every wrong key and value at once.
    """
    values: dict[str, Any] = {}
    source = "the command line"
    if config_file is not None:
        source = f"configuration '{config_file}'"
        text = read_text(Path(config_file), f"{source}")
        loaded = load_yaml(text, source)
        if not isinstance(loaded, dict):
            raise UsageError(f"{source} is not a mapping of keys like 'task' and 'budget'.")
        values = loaded
    given = {k: v for k, v in flags.items() if v is not None}
    training = values.get("training", {})
    if not isinstance(training, dict):
        raise UsageError(f"{source}: 'training' is not a mapping.")
    training = training | {k: given.pop(k) for k in _TRAINING if k in given}
    if "seeds" in given:
        names = [part.strip() for part in given.pop("seeds").split(",")]
        given["seed_architectures"] = [n for n in names if n and n != "none"]
    values = values | given
    task = _task(values)
    values["task"] = task.spec
    if values.get("data") is None and os.environ.get("AUTOPELT_DATA"):
        values["data"] = os.environ["AUTOPELT_DATA"]
    if isinstance(values.get("data"), str):
        values["data"] = str(Path(values["data"]).expanduser().resolve())
    space = values.get("space", "pelt")
    if isinstance(space, str):
        values["space"] = SearchSpace.load(space).model_dump(mode="json")
    values.setdefault("trials", task.usual_trials)
    values.setdefault("workers", min(2, len(os.sched_getaffinity(0))))
    usual = {
        "epochs": task.usual_epochs,
        "batch_size": task.usual_batch,
        "learning_rate_factor": task.usual_factor,
        "dropout": task.usual_dropout,
    }
    values["training"] = usual | training
    return StudyConfig.build(values, source)


def _task(values: dict[str, Any]) -> Task:
    """The named task, or the one that flags describe, whose flags are taken out of `values`."""
    own = {key: values.pop(key) for key in OWN_DATA if key in values}
    if "train" in own:
        if values.get("task") is not None:
            raise UsageError("give --task or --train, not both.")
        return task_from_files(**own)
    if own:
        raise UsageError(
            f"--{next(iter(own)).replace('_', '-')} needs --train, a file to learn from."
        )
    if not isinstance(values.get("task"), str):
        raise UsageError("--task is missing; see autopelt list tasks, or start with --task demo.")
    return make_task(values["task"])


def _new_folder(config: StudyConfig, task: str) -> Path:
    """``reports/rte-minilm-1pct``, with a number where that is taken."""
    budget = str(config.budget).replace("%", "pct")
    words = f"{task}-{Path(config.model).name}-{budget}".lower()
    name = re.sub(r"[^a-z0-9.]+", "-", words).strip("-.")
    folder, number = Path("reports") / name, 2
    while folder.exists():
        folder = Path("reports") / f"{name}-{number}"
        number += 1
    return folder


def _run(plan: Plan, folder: Path) -> None:
    console = Console(stderr=False)
    _announce(console, plan, folder)
    try:
        if console.is_terminal and not os.environ.get("AUTOPELT_PLAIN"):
            with LiveView(console) as live:
                record = search(plan, folder, live)
        else:
            record = search(plan, folder, LineView(console))
    except Stopped:
        raise UnexpectedEndError(
            f"stopped; nothing is lost. Go on with: autopelt resume {folder}"
        ) from None
    if plan.config.confirm_seeds is not None:
        record = confirm_study(plan, folder, console)
    _conclude(console, record, folder)


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
    console.print(
        f"{found}"
        f"Time:   {summary(record)}\n"
        f"Report: {folder / 'index.html'}\n"
        f"{'' if record.confirmed else f'Confirm: autopelt confirm {folder}' + chr(10)}"
        f"Train:  autopelt train {folder}\n"
        f"Export: autopelt export {folder} --to autopelt --out {folder}-export",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    sys.stdout.flush()
