"""Card: the exact commands that use or repeat the result."""

from __future__ import annotations

import shlex

from autopelt.records import StudyRecord
from autopelt.report.card import Card, Command
from autopelt.report.wording import name, parameters, score

TITLE = "Use it, repeat it"


def commands(record: StudyRecord) -> tuple[Command, ...]:
    """Train, evaluate, export, and make the study again; without a result only the last."""
    study = shlex.quote(f"reports/{record.name}")
    found: list[Command] = []
    if record.best is not None:
        found += [
            Command(
                "Train the best architecture within the budget, and save it",
                f"autopelt train {study}",
            ),
            Command(
                "Export it as a folder that can be shipped",
                f"autopelt export {study} --to autopelt --out DIR",
            ),
            Command("Look at it as text", f"autopelt show {study}"),
        ]
    if record.command:
        found.append(Command("Run the whole search again", record.command))
    return tuple(found)


def card(record: StudyRecord) -> Card:
    """Commands to copy."""
    best = record.best
    if best is None:
        lead = "There is no architecture to train yet; this is the command that made the study."
    else:
        lead = (
            f"These commands take the best architecture ({name(best)}, {score(best.score)}, "
            f"{parameters(best.count)}) out of the study."
        )
    return Card(
        "reproduce",
        TITLE,
        lead,
        commands=commands(record),
        note="Run them in the folder that holds reports/. The study's resolved configuration is "
        "config.yaml next to this page.",
    )
