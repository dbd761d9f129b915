"""What a notebook shows of a study: where it stands, its verdict, its front."""

from __future__ import annotations

from pathlib import Path

from autopelt.cards.card import NothingToShow
from autopelt.cards.verdict import lead
from autopelt.cards.wording import parameters, plural, score
from autopelt.study.record import StudyRecord
from autopelt.system.notebook import table

MOST = 10
"""Members of the front that are shown."""


def summary(record: StudyRecord, folder: Path) -> str:
    """HTML of a study, small; `folder` is the study's as the user wrote it."""
    front = record.front
    best = record.best
    rows = [
        (
            f"{t.name} (best)" if t is best else t.name,
            score(record.expected(t)),
            parameters(t.count),
            t.architecture.describe(),
        )
        for t in front[-MOST:]
    ]
    try:
        notes = [lead(record)]
    except NothingToShow as reason:
        notes = [str(reason)]
    if len(front) > MOST:
        notes.append(f"The {MOST} largest of {len(front)} are shown: study.front() has all.")
    done = sum(t.finished is not None for t in record.trials)
    about = f"{record.task.name} on {record.backbone.short_name}" if record.task.name else "a study"
    title = f"{folder}: {about}, {done} of {plural(record.total, 'trial')}"
    heads = ("architecture", record.metric, "parameters", "in words") if rows else ()
    return table(title, rows, heads, notes)
