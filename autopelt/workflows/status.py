"""Where a study is, as plain values and as sentences; also while it runs."""

from collections import Counter
from pathlib import Path
from typing import Any

from autopelt.cards.clock import Clock
from autopelt.cards.next_steps import next_step
from autopelt.cards.verdict import lead, sentences
from autopelt.study.answer import told_apart
from autopelt.study.config import TRAINED
from autopelt.study.reading import read_study
from autopelt.study.record import COMPLETE, FAILED, RUNNING, STOPPED
from autopelt.study.there import is_trained
from autopelt.system.units import format_seconds, format_share
from autopelt.views.json_events import scored

_WORDS = {COMPLETE: "complete", FAILED: "failed", STOPPED: "stopped early"}
"""State of a trial that ended -> in words."""


def status(folder: Path) -> dict[str, Any]:
    """The state of the study in a folder, which its values name as the user wrote it.

    Raises:
        UsageError, UnavailableError: there is no readable study.
    """
    opened = read_study(folder)
    record, process = opened.record(), opened.process()
    counts = Counter(t.state for t in record.trials)
    done = sum(counts[state] for state in _WORDS)
    finished = done >= record.total
    state = "running" if process is not None else "finished" if finished else "stopped"
    clock = Clock.of(record.trials)
    best = record.best
    step = next_step(
        record,
        str(folder),
        running=process is not None,
        trained=is_trained(folder / TRAINED),
    )
    return {
        "study": str(folder),
        "state": state,
        "process": process,
        "trials": {key: counts[key] for key in _WORDS}
        | {RUNNING: counts[RUNNING] if process is not None else 0, "total": record.total},
        "interrupted": counts[RUNNING] if process is None else 0,
        "seconds": 0.0 if clock is None else clock.total,
        "metric": record.metric,
        "front": len(record.front),
        "choices": len(told_apart(record)),
        "hypervolume": record.hypervolume(),
        "best": scored(record, best),
        "best_seed": scored(record, record.best_seed),
        "verdict": lead(record) if best is not None else None,
        "answer": dict(sentences(record)) if best is not None else {},
        "next": step.line,
        "why": step.words,
    }


def told(values: dict[str, Any]) -> list[str]:
    """The same for a person, a line each."""
    trials = values["trials"]
    done = sum(trials[state] for state in _WORDS)
    who = f" (process {values['process']})" if values["process"] is not None else ""
    lines = [
        f"{values['study']}: {values['state']}{who}, {done} of {trials['total']} trials in "
        f"{format_seconds(values['seconds'])}"
    ]
    parts = [
        f"{trials[state]} {name}"
        for state, name in (*_WORDS.items(), (RUNNING, RUNNING))
        if trials[state]
    ]
    if values["interrupted"]:
        parts.append(f"{values['interrupted']} interrupted, to be run again")
    lines += [f"Trials:  {' · '.join(parts)}"] if parts else []
    best, by_hand = values["best"], values["best_seed"]
    if best is not None:
        lines.append(f"Best:    {_words(best)}")
    if by_hand is not None and by_hand != best:
        lines.append(f"By hand: {_words(by_hand)}")
    if values["choices"] > 1:
        lines.append(f"Choice:  {values['choices']} architectures worth choosing between")
    lines += [values["verdict"]] if values["verdict"] else ["Nothing within the budget yet."]
    lines += [f"{what}: {said}" for what, said in values["answer"].items() if said != lines[-1]]
    return [*lines, f"Next:    {values['why']}.", f"         {values['next']}"]


def _words(trial: dict[str, Any]) -> str:
    name = f"{trial['label']}: " if trial["label"] else ""
    return (
        f"trial {trial['trial']}, {trial['reaches']} with {trial['deployed']:,} "
        f"parameters ({format_share(trial['share'])}): {name}{trial['words']}"
    )
