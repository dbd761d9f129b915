"""What `autopelt status` does: one screen about a study, also while it runs."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console

from autopelt.cards.verdict import lead, verdict
from autopelt.study.record import COMPLETE, FAILED, RUNNING, STOPPED, StudyRecord, TrialRecord
from autopelt.study.storage import StudyStorage
from autopelt.system.units import format_seconds, format_share

_WORDS = ((COMPLETE, "complete"), (FAILED, "failed"), (STOPPED, "stopped early"))


def run_status(study: str, as_json: bool) -> None:
    """Print the state of a study."""
    folder = Path(study)
    opened = StudyStorage.open(folder)
    values = status(opened.record(), opened.process(), folder)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(json.dumps(values) if as_json else "\n".join(sentences(values)))


def status(record: StudyRecord, process: int | None, folder: Path) -> dict[str, Any]:
    """The state of a study as plain values.

    Args:
        record: the study.
        process: number of the process that works on it, or None.
        folder: the study's, as a user writes it.
    """
    counts = Counter(t.state for t in record.trials)
    done = sum(counts[state] for state, _ in _WORDS)
    finished = done >= record.total
    state = "running" if process is not None else "finished" if finished else "stopped"
    times = [t for trial in record.trials for t in (trial.started, trial.finished) if t is not None]
    best, seed = record.best, record.best_seed
    if state == "running":
        following = f"autopelt status {folder}"
    elif state == "stopped":
        following = f"autopelt resume {folder}"
    elif best is not None:
        following = f"autopelt train {folder}"
    else:
        following = f"autopelt resume {folder} --trials {record.total * 2}"
    return {
        "study": str(folder),
        "state": state,
        "process": process,
        "trials": {name: counts[key] for key, name in _WORDS}
        | {RUNNING: counts[RUNNING] if process is not None else 0, "total": record.total},
        "interrupted": counts[RUNNING] if process is None else 0,
        "seconds": max(times) - min(times) if times else 0.0,
        "metric": record.metric,
        "front": len(record.front),
        "hypervolume": record.hypervolume(),
        "best": _trial(best),
        "best_seed": _trial(seed),
        "verdict": lead(verdict(record)) if best is not None else None,
        "next": following,
    }


def sentences(values: dict[str, Any]) -> list[str]:
    """The same for a person, a line each."""
    trials = values["trials"]
    done = sum(trials[name] for _, name in _WORDS)
    who = f" (process {values['process']})" if values["process"] is not None else ""
    lines = [
        f"{values['study']}: {values['state']}{who}, {done} of {trials['total']} trials in "
        f"{format_seconds(values['seconds'])}"
    ]
    parts = [
        f"{trials[name]} {name}" for name in (*(n for _, n in _WORDS), RUNNING) if trials[name]
    ]
    if values["interrupted"]:
        parts.append(f"{values['interrupted']} interrupted, to be run again")
    lines += [f"trials: {' · '.join(parts)}"] if parts else []
    if values["best"] is not None:
        lines.append(f"front:  {values['front']} · hypervolume {values['hypervolume']:.3f}")
        lines.append(f"best:   {_words(values['best'], values['metric'])}")
    if values["best_seed"] is not None:
        lines.append(f"by hand: {_words(values['best_seed'], values['metric'])}")
    lines += [values["verdict"]] if values["verdict"] else ["Nothing within the budget yet."]
    return [*lines, f"Next:   {values['next']}"]


def _trial(trial: TrialRecord | None) -> dict[str, Any] | None:
    if trial is None:
        return None
    return {
        "trial": trial.number,
        "label": trial.label,
        "id": trial.architecture.id,
        "score": trial.score,
        "deployed": trial.count.deployed,
        "share": trial.count.share,
        "words": trial.architecture.describe(),
    }


def _words(trial: dict[str, Any], metric: str) -> str:
    name = f"{trial['label']}: " if trial["label"] else ""
    return (
        f"trial {trial['trial']}, {metric} {trial['score']:.4f} with {trial['deployed']:,} "
        f"parameters ({format_share(trial['share'])}): {name}{trial['words']}"
    )
