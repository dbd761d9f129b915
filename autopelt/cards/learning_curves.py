"""Card: score and training loss after each epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autopelt.cards.card import Card, Figure, NothingToShow, Row, Table, cell, table
from autopelt.cards.figure import axis, layout, plain
from autopelt.cards.wording import STATE_WORDS, name, plural, score
from autopelt.study.record import COMPLETE, FAILED, STOPPED, StudyRecord, TrialRecord

TITLE = "Learning curves"


@dataclass(frozen=True)
class Curve:
    """Values after epochs 1, 2, … of one trial; `on_front` and `state` decide how it is drawn."""

    trial: TrialRecord
    values: tuple[float, ...]
    on_front: bool


def curves(record: StudyRecord) -> list[Curve]:
    """Selection score after each epoch, front members last so that they are drawn on top."""
    chosen = {t.number for t in record.front}
    found = [Curve(t, t.scores, t.number in chosen) for t in record.trials if t.scores]
    return sorted(found, key=lambda c: (c.on_front, c.trial.number))


def losses(record: StudyRecord) -> list[Curve]:
    """Mean training loss of each epoch."""
    chosen = {t.number for t in record.front}
    found = [Curve(t, t.losses, t.number in chosen) for t in record.trials if t.losses]
    return sorted(found, key=lambda c: (c.on_front, c.trial.number))


def still_rising(record: StudyRecord) -> tuple[int, int]:
    """(complete trials whose best epoch was their last, complete trials of two or more epochs)."""
    long = [t for t in record.complete if len(t.scores) > 1]
    return sum(t.scores.index(max(t.scores)) == len(t.scores) - 1 for t in long), len(long)


def draw(
    key: str, heading: str, found: list[Curve], axis_words: str, stops: Sequence[int] = ()
) -> Figure:
    """One line a trial: front in blue, others grey; early-stopped ones end in a square.

    `stops` are the rungs: epochs after which a trial may be stopped, as vertical dashes.
    """
    data = [_trace(c, axis_words) for c in found]
    longest = max(len(c.values) for c in found)
    step = max(1, round(longest / 8))
    x = axis("epoch", tickvals=list(range(1, longest + 1, step)), range=[0.8, longest + 0.2])
    stops = [epoch for epoch in stops if epoch <= longest]
    shapes = [
        {
            "type": "line",
            "x0": epoch,
            "x1": epoch,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"color": "--muted", "width": 1, "dash": "dash"},
            "layer": "below",
        }
        for epoch in stops
    ]
    shown = layout(x, axis(), axis_words if key == "curves" else "", shapes=shapes)
    shown["meta"] = {"select": "trace"}
    words = f"{heading}: one line for each of {len(found)} trials"
    return Figure(
        key, words, data, shown, height=320, heading=heading, legend=_legend(found, bool(stops))
    )


def _legend(found: list[Curve], stops: bool) -> tuple[tuple[str, str, str], ...]:
    """What is in the figure, in the order of importance."""
    states = {c.trial.state for c in found}
    entries = [
        (any(c.on_front for c in found), ("line", "--blue", "on the front")),
        (any(not c.on_front for c in found), ("line", "--faint", "others")),
        (STOPPED in states, ("square", "--orange", "stopped early")),
        (FAILED in states, ("x", "--vermilion", "failed")),
        (stops, ("dash", "--muted", "rung")),
    ]
    return tuple(entry for shown, entry in entries if shown)


def _trace(c: Curve, words: str) -> dict[str, Any]:
    t = c.trial
    colour = "--blue" if c.on_front else "--faint"
    colour = {STOPPED: "--orange", FAILED: "--vermilion"}.get(t.state, colour)
    state = "" if t.state == COMPLETE else f" · {STATE_WORDS.get(t.state, t.state)}"
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines",
        "x": list(range(1, len(c.values) + 1)),
        "y": list(c.values),
        "line": {"color": colour, "width": 2 if c.on_front else 1.2},
        "hovertemplate": f"<b>{plain(name(t))}</b>{plain(state)}<br>epoch %{{x}}: "
        f"{plain(words)} %{{y:.4g}}<extra></extra>",
        "meta": {"trial": t.number},
    }
    ended = {STOPPED: "square", FAILED: "x"}.get(t.state)
    if ended or len(c.values) == 1:
        last = len(c.values) - 1
        trace["mode"] = "lines+markers"
        trace["marker"] = {
            "color": colour,
            "symbol": ended or "circle",
            "size": [8 if i == last else 0 for i in range(len(c.values))],
            "opacity": 1,
            "line": {"width": 0},
        }
    return trace


def card(record: StudyRecord) -> Card:
    """Score and loss by epoch."""
    found = curves(record)
    if not found:
        raise NothingToShow("No trial has finished an epoch, so there are no learning curves yet.")
    stops = rungs(record)
    figures = [draw("curves", "Selection score", found, record.metric, stops)]
    training = losses(record)
    if training:
        figures.append(draw("losses", "Training loss", training, "training loss", stops))
    return Card(
        "curves",
        TITLE,
        lead(record) + _saved(record),
        figures=tuple(figures),
        table=_table(found),
        note=_note(record),
    )


def lead(record: StudyRecord) -> str:
    """Whether the schedule was long enough, as one sentence."""
    rising, long = still_rising(record)
    if not long:
        return "No trial has more than one epoch, so nothing can be said about the schedule yet."
    if rising * 2 > long:
        return (
            f"{_of(rising, long)} best at the very last epoch: "
            "a longer schedule would probably raise the scores."
        )
    return f"{_of(rising, long)} best at the last epoch; most had finished learning."


def rungs(record: StudyRecord) -> tuple[int, ...]:
    """Epochs after which a trial may be stopped; where stopping is off, those where one was."""
    found = {len(t.scores) for t in record.trials if t.state == STOPPED and t.scores}
    return record.early_stopping.rungs or tuple(sorted(found))


def _note(record: StudyRecord) -> str:
    stopped = sum(t.state == STOPPED for t in record.trials)
    if not stopped:
        return "Click a line to see its architecture everywhere."
    return (
        f"A square ends the line of a trial that was stopped early ({stopped} here), at one of the "
        "rungs: the epochs after which a trial is held against others of its size."
    )


def _saved(record: StudyRecord) -> str:
    """What early stopping saved, as a further sentence; "" where no trial was stopped."""
    saved = record.early_stopping
    return f" Early stopping {saved.words}." if saved.on and saved.trials else ""


def _of(rising: int, long: int) -> str:
    return f"{rising} of {plural(long, 'trial')} {'was' if rising == 1 else 'were'}"


def _table(found: list[Curve]) -> Table:
    longest = max(len(c.values) for c in found)
    names = ["Trial", *(f"Epoch {i + 1}" for i in range(longest))]
    rows = [
        Row(
            (
                cell(name(c.trial), c.trial.number),
                *(cell(score(v), v) for v in c.values),
                *(cell(None) for _ in range(longest - len(c.values))),
            ),
            trial=c.trial.number,
        )
        for c in sorted(found, key=lambda c: c.trial.number)
    ]
    return table(names, rows, names[1:])
