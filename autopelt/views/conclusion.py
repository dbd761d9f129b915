"""The last words of a search: verdict, report, and what to do with the result."""

from pathlib import Path

from autopelt.cards import verdict
from autopelt.cards.expectation import all_scores, direction, measured, plain_score
from autopelt.cards.health import above_a_constant
from autopelt.cards.next_steps import afterwards, next_step
from autopelt.cards.timeline import summary
from autopelt.cards.wording import bounds
from autopelt.study.config import TRAINED
from autopelt.study.record import StudyRecord
from autopelt.study.there import is_trained
from autopelt.system.units import format_share


def conclusion(record: StudyRecord, folder: Path) -> str:
    """Lines for the terminal.

    Args:
        record: of the study, whose trials have all ended.
        folder: the study's, as the user wrote it.
    """
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
    lines += [f"Time:    {summary(record)}", f"Report:  {folder / 'index.html'}"]
    return "\n".join([*lines, "", *what_next(record, folder)])


def what_next(record: StudyRecord, folder: Path, running: bool = False) -> list[str]:
    """The next step and why, and what comes after it."""
    trained = is_trained(folder / TRAINED)
    step = next_step(record, str(folder), running=running, trained=trained)
    lines = [f"Next:    {step.words}.", f"         {step.line}"]
    later = {} if running else afterwards(record, str(folder))
    return lines + [f"{what + ':':<9}{c.line}" for what, c in later.items() if c.line != step.line]
