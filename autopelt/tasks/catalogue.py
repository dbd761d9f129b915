"""What `autopelt list tasks` shows: every named task, and whether its data is here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autopelt.data.benchmark import Benchmark
from autopelt.tasks import TASKS, make_task
from autopelt.tasks.demo import REPORT, SELECTION, TRAIN


@dataclass(frozen=True)
class Listed:
    """One task for a person to choose.

    Attributes:
        name, kind, metric, title: as in `Task`.
        sizes: published examples, like ``2,490 / cut / 277`` for train, selection and report.
        source: the set on the Hub, or ``built in``.
        here: ``built in``, ``folder`` (in the data folder), ``cache`` (the Hub's), or "" (neither).
    """

    name: str
    kind: str
    metric: str
    sizes: str
    source: str
    here: str
    title: str


def catalogue(data: Path | None) -> list[Listed]:
    """All named tasks; looks at files only, never at the network.

    Args:
        data: folder with tasks' files, or None.
    """
    rows = []
    for name in TASKS:
        task = make_task(name)
        origin = task.origin
        sizes, source, here = (TRAIN, SELECTION, REPORT), "built in", "built in"
        if isinstance(origin, Benchmark):
            sizes, source, here = origin.sizes, str(origin.on_hub), origin.here(data)
        shown = " / ".join(f"{n:,}" if n else "cut" for n in sizes)
        rows.append(Listed(name, task.kind, task.metric.name, shown, source, here, task.title))
    return rows
