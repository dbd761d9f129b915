"""Card: how the hypervolume of the front grew, over trials and over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from autopelt.cards.card import Card, Figure, NothingToShow, Row, Table, cell, table
from autopelt.cards.clock import Clock
from autopelt.cards.figure import axis, layout, plain
from autopelt.cards.wording import name, plural, score, share
from autopelt.statistics.pareto import front, hypervolume
from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.system.units import format_seconds

TITLE = "Progress"
LAST = 10
"""The gain is told for this many last trials."""


@dataclass(frozen=True)
class Step:
    """After one more complete trial.

    Attributes:
        count: complete trials so far, the reference points over the budget among them.
        seconds: of search (`Clock`) since the first trial began; None where times are unknown.
        value: hypervolume in decades times score.
        front: members of the front.
    """

    trial: TrialRecord
    count: int
    seconds: float | None
    value: float
    front: int


def steps(record: StudyRecord, floor: float | None = None) -> list[Step]:
    """Hypervolume after every complete trial, in order of finishing.

    Args:
        record: its `limit` and `floor` are the reference point.
        floor: another reference score, to hold studies against each other.
    """
    below = record.floor if floor is None else floor
    order = sorted(record.complete, key=lambda t: (t.finished is None, t.finished or 0.0, t.number))
    clock = Clock.of(record.trials)
    found: list[Step] = []
    points: list[tuple[int, float]] = []
    for i, t in enumerate(order):
        if record.feasible(t):
            points.append(t.point)
        seconds = None if clock is None or t.finished is None else clock.at(t.finished)
        found.append(
            Step(
                t,
                i + 1,
                seconds,
                hypervolume(points, record.limit, below),
                len(front(points)),
            )
        )
    return found


def last_gain(found: list[Step], last: int = LAST) -> float | None:
    """Relative gain of the last trials: 0.05 for 5 %. None before there is anything to compare."""
    if len(found) <= last or found[-last - 1].value <= 0:
        return None
    return found[-1].value / found[-last - 1].value - 1


def grown(gain: float) -> str:
    """``4.2%``, ``254%``; what began at nothing can grow a lot."""
    return f"{gain:.1%}" if gain < 1 else f"{gain:.0%}"


def search_began(found: list[Step]) -> int | None:
    """Complete trials before the first one that is not a seed architecture; None if all are."""
    return next((s.count - 1 for s in found if not s.trial.label), None)


def time_unit(longest: float) -> tuple[float, str]:
    """(seconds in a unit, its name) for an axis up to this many seconds."""
    return (3600.0, "h") if longest > 7200 else (60.0, "min") if longest > 180 else (1.0, "s")


@dataclass(frozen=True)
class Rival:
    """Another study's progress under the same reference point, to compare with."""

    words: str
    steps: tuple[Step, ...]


def rivals(record: StudyRecord, against: Sequence[StudyRecord]) -> list[Rival]:
    """Progress of other studies under this one's budget and floor; what is over it is left out."""
    found = []
    for other in against:
        cut = replace(other, limit=record.limit)
        random = other.config.sampler == "random"
        words = "random search" if random else other.name
        made = tuple(steps(cut, record.floor))
        if made:
            found.append(Rival(words, made))
    return found


def reached(found: Sequence[Step], value: float) -> int | None:
    """Complete trials after which the hypervolume was at least `value`; None if never."""
    return next((s.count for s in found if s.value >= value), None)


def _rival_trace(r: Rival, over_time: bool, per: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [(s.seconds or 0.0) / per if over_time else float(s.count) for s in r.steps],
        "y": [s.value for s in r.steps],
        "line": {"shape": "hv", "color": "--muted", "width": 1.6, "dash": "dash"},
        "hoverinfo": "text",
        "hovertext": [
            f"<b>{plain(r.words)}</b><br>hypervolume {s.value:.4f} after {plural(s.count, 'trial')}"
            for s in r.steps
        ],
    }


def draw(found: list[Step], over_time: bool, others: Sequence[Rival] = ()) -> Figure:
    """A stepped line; the seed architectures' part is shaded, other studies are dashed."""
    everything = [s for part in (found, *(r.steps for r in others)) for s in part]
    per, unit = time_unit(max(s.seconds or 0.0 for s in everything)) if over_time else (1.0, "")
    xs = [(s.seconds or 0.0) / per if over_time else float(s.count) for s in found]
    raised = [i for i, s in enumerate(found) if s.value > (found[i - 1].value if i else 0.0)]
    data: list[dict[str, Any]] = [
        *(_rival_trace(r, over_time, per) for r in others),
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
                "x": 0,
                "xanchor": "left",
                "xshift": 6,
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
    names = list(dict.fromkeys(r.words for r in others))
    legend = (("line", "--blue", "this study"), *(("dash", "--muted", n) for n in names))
    return Figure(
        key,
        words,
        data,
        shown,
        height=320,
        heading="Over time" if over_time else "Over trials",
        legend=legend if names else (),
    )


def card(record: StudyRecord, against: Sequence[StudyRecord] = ()) -> Card:
    """Both curves, and those of other studies beside them."""
    found = steps(record)
    if not found:
        raise NothingToShow("No trial is complete, so there is no progress to show yet.")
    others = rivals(record, against)
    figures = [draw(found, over_time=False, others=others)]
    timed = [s for part in (found, *(r.steps for r in others)) for s in part]
    if all(s.seconds is not None for s in timed):
        figures.append(draw(found, over_time=True, others=others))
    return Card(
        "progress",
        TITLE,
        lead(found) + _compared(found, others),
        figures=tuple(figures),
        table=_table(found),
        note=f"Hypervolume is the area between the front, the budget line and {_floor(record)}; "
        "one decade is a factor of ten in parameters.",
    )


def _compared(found: list[Step], others: Sequence[Rival]) -> str:
    """How this study stands beside the others, as further sentences."""
    told = ""
    for r in others:
        mine, theirs = found[-1].value, r.steps[-1].value
        level = reached(found, theirs)
        if level is not None and theirs > 0:
            trials = plural(r.steps[-1].count, "trial")
            told += f" It was level with what {r.words} had after {trials} ({theirs:.3f})"
            told += f" after {plural(level, 'trial')}."
        elif mine < theirs:
            again = reached(r.steps, mine)
            told += f" {_capital(r.words)} got further: {theirs:.3f} against {mine:.3f}"
            told += f", and was level after {plural(again, 'trial')}." if again else "."
    return told


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


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
    return f"The last {LAST} trials enlarged the front's hypervolume by {grown(gain)}."


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
