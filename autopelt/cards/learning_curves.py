"""Card: score and training loss after each epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from autopelt.cards.card import Card, Figure, NothingToShow, Table, cell, table
from autopelt.cards.cells import trial_cells
from autopelt.cards.figure import dashed, plain, plot
from autopelt.cards.look import BLUE, FAINT, MUTED, ORANGE, VERMILION
from autopelt.cards.shown import shown
from autopelt.cards.wording import STATE_WORDS, name, plural, score
from autopelt.study.noise import selection_error
from autopelt.study.record import COMPLETE, FAILED, STOPPED, StudyRecord, TrialRecord

ENDED = {STOPPED: ("square", ORANGE), FAILED: ("x", VERMILION)}
"""Symbol and colour of curves that end early."""


@dataclass(frozen=True)
class Curve:
    """Values after epochs 1, 2, … of one trial; `on_front` and `state` decide how it is drawn."""

    trial: TrialRecord
    values: tuple[float, ...]
    on_front: bool


def curves(record: StudyRecord, of: str = "scores") -> list[Curve]:
    """Selection score (or mean training loss: ``losses``) after each epoch.

    Front members come last, so that they are drawn on top.
    """
    chosen = {t.architecture for t in record.front}
    found = [
        Curve(t, getattr(t, of), t.architecture in chosen) for t in shown(record) if getattr(t, of)
    ]
    return sorted(found, key=lambda c: (c.on_front, c.trial.number))


def still_rising(record: StudyRecord) -> tuple[int, int]:
    """(complete trials whose best epoch was their last, complete trials of two or more epochs)."""
    long = [t for t in record.complete if len(t.scores) > 1]
    return sum(t.scores.index(max(t.scores)) == len(t.scores) - 1 for t in long), len(long)


def at_ceiling(record: StudyRecord) -> bool:
    """Whether the best score is within two standard errors of 1, which no score here exceeds."""
    best = record.best
    error = None if best is None else selection_error(record, best)
    return best is not None and error is not None and 1 - 2 * error <= record.expected(best) <= 1


def draw(
    key: str, heading: str, found: list[Curve], axis_words: str, stops: Sequence[int] = ()
) -> Figure:
    """One line a trial: front in blue, others grey; early-stopped ones end in a square.

    `stops` are the rungs: epochs after which a trial may be stopped, as vertical dashes.
    """
    figure = plot(axis_words if key == "curves" else "", select="trace")
    figure.add_traces([_trace(c, axis_words) for c in found])
    longest = max(len(c.values) for c in found)
    figure.update_xaxes(
        title_text="epoch",
        tickvals=list(range(1, longest + 1, max(1, round(longest / 8)))),
        range=[0.8, longest + 0.2],
    )
    stops = [epoch for epoch in stops if epoch <= longest]
    for epoch in stops:
        figure.add_vline(epoch, line=dashed(MUTED, 1), layer="below")
    words = f"{heading}: one line for each of {len(found)} trials"
    legend = _legend(found, bool(stops))
    return Figure(key, words, figure, height=320, heading=heading, legend=legend)


def _legend(found: list[Curve], stops: bool) -> tuple[tuple[str, str, str], ...]:
    """What is in the figure, in the order of importance."""
    states = {c.trial.state for c in found}
    entries = [
        (any(c.on_front for c in found), ("line", BLUE, "on the front")),
        (any(not c.on_front for c in found), ("line", FAINT, "others")),
        (STOPPED in states, (*ENDED[STOPPED], "stopped early")),
        (FAILED in states, (*ENDED[FAILED], "failed")),
        (stops, ("dash", MUTED, "rung")),
    ]
    return tuple(entry for shown, entry in entries if shown)


def _trace(c: Curve, words: str) -> dict[str, Any]:
    t = c.trial
    symbol, colour = ENDED.get(t.state, ("circle", BLUE if c.on_front else FAINT))
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
    if t.state in ENDED or len(c.values) == 1:
        sizes = [*[0] * (len(c.values) - 1), 8]
        marker = {"color": colour, "symbol": symbol, "size": sizes, "opacity": 1}
        marker |= {"line": {"width": 0}}
        trace |= {"mode": "lines+markers", "marker": marker}
    return trace


def card(record: StudyRecord) -> Card:
    """Score and loss by epoch."""
    found = curves(record)
    if not found:
        raise NothingToShow("No trial has finished an epoch, so there are no learning curves yet.")
    stops = rungs(record)
    figures = [draw("curves", "Selection score", found, record.metric, stops)]
    training = curves(record, "losses")
    if training:
        figures.append(draw("losses", "Training loss", training, "training loss", stops))
    return Card(
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
    if rising * 2 > long and at_ceiling(record):
        return (
            f"{_of(rising, long)} best at the very last epoch, but the best score is as high as it "
            "can be."
        )
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


def _table(found: list[Curve]) -> Table | None:
    epochs = range(max(len(c.values) for c in found))
    return table(
        (
            c.trial.number,
            trial_cells(c.trial, "Trial")
            | {f"Epoch {i + 1}": cell(score(v), v) for i, v in zip_longest(epochs, c.values)},
        )
        for c in sorted(found, key=lambda c: c.trial.number)
    )
