"""Card: how the hypervolume of the front grew, over trials and over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autopelt.pareto import front, hypervolume
from autopelt.quantities import format_seconds
from autopelt.records import StudyRecord, TrialRecord
from autopelt.report.card import Card, Figure, NothingToShow, Row, Table, cell, table
from autopelt.report.figure import axis, layout, plain
from autopelt.report.wording import name, plural, score, share

TITLE = "Progress"
LAST = 10
"""The gain is told for this many last trials."""


@dataclass(frozen=True)
class Step:
    """After one more complete trial.

    Attributes:
        count: complete trials so far, the reference points over the budget among them.
        seconds: since the first trial began; None where times are unknown.
        value: hypervolume in decades times score.
        front: members of the front.
    """

    trial: TrialRecord
    count: int
    seconds: float | None
    value: float
    front: int


def steps(record: StudyRecord) -> list[Step]:
    """Hypervolume after every complete trial, in order of finishing, all against one floor."""
    order = sorted(record.complete, key=lambda t: (t.finished is None, t.finished or 0.0, t.number))
    began = min((t.started for t in record.trials if t.started is not None), default=None)
    found: list[Step] = []
    points: list[tuple[int, float]] = []
    for i, t in enumerate(order):
        if record.feasible(t):
            points.append(t.point)
        seconds = None if began is None or t.finished is None else t.finished - began
        found.append(
            Step(
                t,
                i + 1,
                seconds,
                hypervolume(points, record.limit, record.floor),
                len(front(points)),
            )
        )
    return found


def last_gain(found: list[Step], last: int = LAST) -> float | None:
    """Relative gain of the last trials: 0.05 for 5 %. None before there is anything to compare."""
    if len(found) <= last or found[-last - 1].value <= 0:
        return None
    return found[-1].value / found[-last - 1].value - 1


def search_began(found: list[Step]) -> int | None:
    """Complete trials before the first one that is not a seed architecture; None if all are."""
    return next((s.count - 1 for s in found if not s.trial.label), None)


def draw(found: list[Step], over_time: bool) -> Figure:
    """A stepped line; the seed architectures' part is shaded."""
    unit, per = "s", 1.0
    if over_time:
        longest = max(s.seconds or 0.0 for s in found)
        unit, per = (
            ("h", 3600.0) if longest > 7200 else ("min", 60.0) if longest > 180 else ("s", 1.0)
        )
    xs = [(s.seconds or 0.0) / per if over_time else float(s.count) for s in found]
    raised = [i for i, s in enumerate(found) if s.value > (found[i - 1].value if i else 0.0)]
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": xs,
            "y": [s.value for s in found],
            "line": {"shape": "hv", "color": "--blue", "width": 2},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "x": xs,
            "y": [s.value for s in found],
            "customdata": [s.trial.number for s in found],
            "marker": {
                "size": [8 if i in raised else 5 for i in range(len(found))],
                "color": ["--blue" if i in raised else "--faint" for i in range(len(found))],
                "opacity": 1,
                "line": {"width": 0},
            },
            "cliponaxis": False,
            "hoverinfo": "text",
            "hovertext": [
                f"<b>{plain(name(s.trial))}</b> score {score(s.trial.score)} at "
                f"{share(s.trial.count.share)}<br>hypervolume {s.value:.4f}, "
                f"front of {s.front}"
                + (f"<br>after {format_seconds(s.seconds)}" if s.seconds else "")
                for s in found
            ],
        },
    ]
    shapes: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    began = search_began(found)
    if began and not over_time:
        shapes.append(
            {
                "type": "rect",
                "xref": "x",
                "yref": "paper",
                "x0": 0,
                "x1": began + 0.5,
                "y0": 0,
                "y1": 1,
                "fillcolor": "--grid",
                "opacity": 0.6,
                "line": {"width": 0},
                "layer": "below",
            }
        )
        notes.append(
            {
                "text": "seed architectures",
                "x": began / 2 + 0.25,
                "y": 1,
                "yref": "paper",
                "yanchor": "top",
                "showarrow": False,
                "font": {"size": 12, "color": "--muted"},
            }
        )
    x = axis(f"time ({unit})" if over_time else "complete trials", rangemode="tozero")
    y = axis(rangemode="tozero")
    shown = layout(x, y, "hypervolume (decades × score)", shapes=shapes, annotations=notes)
    shown["meta"] = {"select": "ring"}
    key = "progress-time" if over_time else "progress-trials"
    words = f"Hypervolume of the front over {'time' if over_time else 'trials'}"
    return Figure(
        key, words, data, shown, height=320, heading="Over time" if over_time else "Over trials"
    )


def card(record: StudyRecord) -> Card:
    """Both curves."""
    found = steps(record)
    if not found:
        raise NothingToShow("No trial is complete, so there is no progress to show yet.")
    figures = [draw(found, over_time=False)]
    if all(s.seconds is not None for s in found):
        figures.append(draw(found, over_time=True))
    return Card(
        "progress",
        TITLE,
        lead(found),
        figures=tuple(figures),
        table=_table(found),
        note=f"Hypervolume is the area between the front, the budget line and {_floor(record)}; "
        "one decade is a factor of ten in parameters.",
    )


def _floor(record: StudyRecord) -> str:
    if any(not t.architecture.modules for t in record.complete):
        return f"the score of the task head alone, {score(record.floor)}"
    return f"the lowest score, {score(record.floor)}"


def lead(found: list[Step]) -> str:
    """Whether the search still gets better, as one sentence."""
    gain = last_gain(found)
    if gain is None:
        return f"Hypervolume {found[-1].value:.3f} after {plural(len(found), 'complete trial')}."
    if gain < 0.005:
        return (
            f"The last {LAST} trials improved the front by less than 0.5%: the search has settled."
        )
    return f"The last {LAST} trials enlarged the front's hypervolume by {gain:.1%}."


def _table(found: list[Step]) -> Table:
    names = ("Trial", "Complete", "Seconds", "Hypervolume", "Front")
    rows = [
        Row(
            (
                cell(name(s.trial), s.trial.number),
                cell(s.count, s.count),
                cell(None if s.seconds is None else f"{s.seconds:.0f}", s.seconds),
                cell(f"{s.value:.4f}", s.value),
                cell(s.front, s.front),
            ),
            trial=s.trial.number,
        )
        for s in found
    ]
    return table(names, rows, names[1:])
