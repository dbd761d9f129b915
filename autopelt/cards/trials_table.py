"""Card: every trial, sortable, filtered by state, failed ones with their reason."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

from autopelt.cards.card import Card, Column, NothingToShow, Row, Table, cell
from autopelt.cards.cells import trial_cells
from autopelt.cards.expectation import all_plain
from autopelt.cards.shown import left_out, shown
from autopelt.cards.wording import STATE_WORDS, listed, score
from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.system.units import format_seconds

COLUMNS = (
    Column("Trial"),
    Column("Score", number=True),
    Column("Share", number=True),
    Column("State"),
    Column("Architecture"),  # the fifth: the page's style gives it the room
    Column("Expected", number=True, minor=1),
    Column("Repeats", number=True, minor=1),
    Column("Deployed", number=True, minor=1),
    Column("Trained", number=True, minor=2),
    Column("Time", number=True, minor=1),
    Column("Id", minor=2),
)


def rows(record: StudyRecord) -> list[Row]:
    """One row a trial, by number."""
    return [_row(t, record) for t in shown(record)]


def _row(t: TrialRecord, record: StudyRecord) -> Row:
    words = t.architecture.describe()
    text = f"{t.label}: {words}" if t.label else words
    if t.reason or t.stopped_because:
        text = f"{text}\n{t.reason or t.stopped_because}"
    if t.log and t.log not in t.reason:
        text = f"{text}\nlast log line: {t.log}"
    state = STATE_WORDS.get(t.state, t.state)
    if not record.feasible(t):
        state = f"{state}\nover {record.over(t)}"
    seconds, value = t.took, record.expected(t)
    again = "" if t.repeats is None else f"trial {t.repeats}"
    return Row(
        (
            cell(t.number),
            *trial_cells(t, "Score", "Share").values(),
            cell(state, mark=f"state-{t.state}"),
            cell(text),
            cell(score(value), value if math.isfinite(value) else None),
            cell(again, t.repeats),
            *trial_cells(t, "Deployed", "Trained").values(),
            cell(None if seconds is None else format_seconds(seconds), seconds),
            cell(t.architecture.id),
        ),
        trial=t.number,
        state=t.state,
    )


def _table(record: StudyRecord, filters: tuple[tuple[str, int], ...]) -> Table:
    idle = {"Expected"} if all_plain(record) else set()
    if all(t.repeats is None for t in record.trials):
        idle.add("Repeats")
    shown = [i for i, column in enumerate(COLUMNS) if column.name not in idle]
    made = (replace(r, cells=tuple(r.cells[i] for i in shown)) for r in rows(record))
    columns = tuple(COLUMNS[i] for i in shown)
    return Table(columns, tuple(made), folded="", filters=filters, csv=True)


def card(record: StudyRecord) -> Card:
    """All trials in one table; what is expected and repeated only where it says something."""
    if not record.trials:
        raise NothingToShow(f"No trial yet; {record.total} are planned.")
    counts, drawn = (Counter(t.state for t in of) for of in (record.trials, shown(record)))
    parts = [f"{counts[state]} {words}" for state, words in STATE_WORDS.items() if counts[state]]
    filters = tuple((state, drawn[state]) for state in STATE_WORDS if drawn[state])
    return Card(
        f"{len(record.trials)} of {record.total} trials: {listed(parts)}.{left_out(record)}",
        table=_table(record, filters),
    )
