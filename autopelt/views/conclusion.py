"""The last words of a search: verdict, report, and what to do with the result."""

from pathlib import Path

from autopelt.cards import verdict
from autopelt.cards.expectation import all_scores, direction, measured, plain_score
from autopelt.cards.health import above_a_constant
from autopelt.cards.next_steps import to_train_and_export
from autopelt.cards.timeline import summary
from autopelt.cards.wording import bounds
from autopelt.errors import as_typed
from autopelt.study.record import StudyRecord
from autopelt.system.units import format_share


def conclusion(record: StudyRecord, folder: Path) -> str:
    """Lines for the terminal; `folder` is the study's as the user wrote it."""
    best = record.best
    if best is not None:
        seeds = "one random seed, " if plain_score(record, best) else ""
        lines = [
            *verdict.lines(record),
            f"Best: {measured(record, best)} with {best.count.deployed:,} parameters "
            f"({format_share(best.count.share)}), {seeds}selection split.",
        ]
        if scores := all_scores(best.metrics):
            told = ", ".join(f"{name} {value}" for name, value in scores)
            lines.append(f"Scores: {told} (trial {best.number}, selection split).")
        lines += [words] if (words := direction(record)) else []
    else:
        lines = [f"No trial within {bounds(record)} finished."]
    if record.early_stopping.on:
        lines.append(f"Early stopping: {record.early_stopping.words}.")
    learned = None if record.confirmed else above_a_constant(record)  # then the verdict says it
    if learned is not None and learned.level == "warning":
        lines.append(f"Warning: {learned.words}")
    train, export = to_train_and_export(record, str(folder))
    lines += [f"Time:    {summary(record)}", f"Report:  {folder / 'index.html'}"]
    lines += [] if record.confirmed else [f"Confirm: {as_typed('confirm', folder)}"]
    lines.append(f"Train:   {as_typed('train', train)}")
    lines.append(f"Export:  {as_typed('export', export, to='autopelt', out=f'{folder}-export')}")
    return "\n".join(lines)
