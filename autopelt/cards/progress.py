"""Card: how the hypervolume of the front grew, over trials and over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autopelt.cards.card import Card, Figure, NothingToShow, Table, cell, table
from autopelt.cards.cells import trial_cells
from autopelt.cards.clock import Clock
from autopelt.cards.figure import plain, plot
from autopelt.cards.look import BLUE, FAINT, GRID, MUTED
from autopelt.cards.shown import shown
from autopelt.cards.wording import name, plural, score, share
from autopelt.statistics.pareto import front, hypervolume
from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.system.units import format_seconds

LAST = 10
"""The gain is told for this many last proposals."""


@dataclass(frozen=True)
class Step:
    """After one more complete trial, by what is believed now.

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
    seen = set()
    for i, t in enumerate(order):
        if record.feasible(t) and t.architecture not in seen:
            points.append(record.point(t))
            points = [points[place] for place in front(points)]  # the others add nothing
        seen.add(t.architecture)
        seconds = None if clock is None or t.finished is None else clock.at(t.finished)
        found.append(
            Step(
                t,
                i + 1,
                seconds,
                hypervolume(points, record.limit, below),
                len(points),
            )
        )
    return found


def last_gain(found: Sequence[Step], last: int = LAST) -> float | None:
    """Relative gain of the last proposals: 0.05 for 5 %. None before there is anything to compare.

    What is made by hand is not the search's work, and trainings again find nothing new.
    """
    proposed = [i for i, s in enumerate(found) if s.trial.repeats is None and not s.trial.label]
    if len(proposed) < last or not (first := proposed[-last]) or found[first - 1].value <= 0:
        return None
    return found[-1].value / found[first - 1].value - 1


def grown(gain: float) -> str:
    """``4.2%``, ``254%``; what began at nothing can grow a lot."""
    return f"{gain:.1%}" if gain < 1 else f"{gain:.0%}"


def search_began(found: Sequence[Step]) -> int | None:
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


@dataclass(frozen=True)
class Curve:
    """The hypervolume of one study as a stepped line.

    Attributes:
        words: of the legend; without any it has no place there.
        line: colour, width, dash.
        symbol: of its legend; ``line`` and ``dash`` for a curve without markers.
        hover: what each step says.
        marker: of each step; nothing for none.
        numbers: of the trials that a click on the steps selects.
    """

    words: str
    steps: Sequence[Step]
    symbol: str
    line: Mapping[str, Any]
    hover: Sequence[str]
    marker: Mapping[str, Any] = field(default_factory=dict)
    numbers: Sequence[int] = ()

    @property
    def legend(self) -> tuple[str, str, str]:
        """Its entry of `Figure.legend`."""
        return self.symbol, str(self.line["color"]), self.words


def grew(found: Sequence[Step]) -> list[bool]:
    """Whether each step enlarged the hypervolume."""
    return [s.value > (found[i - 1].value if i else 0.0) for i, s in enumerate(found)]


def draw(curves: Sequence[Curve], over_time: bool, what: str) -> Figure:
    """The curves over trials or over time, the first one on top."""
    longest = max(s.seconds or 0.0 for c in curves for s in c.steps)
    per, unit = time_unit(longest)
    figure = plot("hypervolume (decades × score)", select="ring")
    for c in reversed(curves):
        figure.add_scatter(
            mode="lines+markers" if c.marker else "lines",
            x=[(s.seconds or 0.0) / per if over_time else float(s.count) for s in c.steps],
            y=[s.value for s in c.steps],
            line={"shape": "hv", **c.line},
            marker={"opacity": 1, **c.marker},
            cliponaxis=False,
            customdata=list(c.numbers) or None,
            hovertext=list(c.hover),
        )
    figure.update_xaxes(
        title_text=f"time ({unit})" if over_time else "complete trials", rangemode="tozero"
    )
    figure.update_yaxes(rangemode="tozero")
    return Figure(
        "progress-time" if over_time else "progress-trials",
        f"Hypervolume of {what} over {'time' if over_time else 'trials'}",
        figure,
        height=320,
        heading="Over time" if over_time else "Over trials",
        legend=tuple(dict.fromkeys(c.legend for c in curves if c.words)),
    )


def figures(curves: Sequence[Curve], what: str) -> list[Figure]:
    """Over trials, and over time where all times are known."""
    timed = all(s.seconds is not None for c in curves for s in c.steps)
    return [draw(curves, over_time, what) for over_time in ([False, True] if timed else [False])]


def _own_curve(words: str, found: Sequence[Step]) -> Curve:
    """This study's curve: a point for each trial, blue where the front grew."""
    larger = grew(found)
    return Curve(
        words,
        found,
        "line",
        {"color": BLUE, "width": 2},
        [
            f"<b>{plain(name(s.trial))}</b> score {score(s.trial.score)} at "
            f"{share(s.trial.count.share)}<br>hypervolume {s.value:.4f}, "
            f"front of {s.front}" + (f"<br>after {format_seconds(s.seconds)}" if s.seconds else "")
            for s in found
        ],
        {
            "size": [8 if more else 5 for more in larger],
            "color": [BLUE if more else FAINT for more in larger],
            "line": {"width": 0},
        },
        [s.trial.number for s in found],
    )


def _rival_curve(r: Rival) -> Curve:
    hover = [
        f"<b>{plain(r.words)}</b><br>hypervolume {s.value:.4f} after {plural(s.count, 'trial')}"
        for s in r.steps
    ]
    return Curve(r.words, r.steps, "dash", {"color": MUTED, "width": 1.6, "dash": "dash"}, hover)


def _shade_seeds(figure: Figure, found: Sequence[Step]) -> None:
    """Shade the part of the seed architectures, which came before the search's own."""
    if began := search_began(found):
        place = {"x": 0, "xanchor": "left", "xshift": 6, "y": 1, "yref": "paper", "yanchor": "top"}
        figure.plot.add_annotation(text="seed architectures", **place)
        figure.plot.add_vrect(
            0, began + 0.5, fillcolor=GRID, opacity=0.6, line_width=0, layer="below"
        )


def card(record: StudyRecord, against: Sequence[StudyRecord] = ()) -> Card:
    """Both curves, and those of other studies beside them."""
    found = steps(record)
    if not found:
        raise NothingToShow("No trial is complete, so there is no progress to show yet.")
    others = rivals(record, against)
    drawn = _drawn(record, found)
    own = _own_curve("this study" if others else "", drawn)
    made = figures([own, *map(_rival_curve, others)], "the front")
    _shade_seeds(made[0], found)
    return Card(
        lead(found) + _compared(found, others),
        figures=tuple(made),
        table=_table(drawn),
        note=f"Hypervolume is the area between the front, the budget line and {_floor(record)}; "
        "one decade is a factor of ten in parameters.",
    )


def _drawn(record: StudyRecord, found: Sequence[Step]) -> list[Step]:
    numbers = {t.number for t in shown(record)}
    return [s for s, g in zip(found, grew(found), strict=True) if g or s.trial.number in numbers]


def _compared(found: Sequence[Step], others: Sequence[Rival]) -> str:
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


def lead(found: Sequence[Step]) -> str:
    """Whether the search still gets better, as one sentence."""
    gain = last_gain(found)
    if gain is None:
        return f"Hypervolume {found[-1].value:.3f} after {plural(len(found), 'complete trial')}."
    if gain < 0.005:
        return (
            f"The last {LAST} proposals improved the front by less than 0.5%: the search has "
            "settled."
        )
    return f"The last {LAST} proposals enlarged the front's hypervolume by {grown(gain)}."


def _table(found: Sequence[Step]) -> Table | None:
    return table(
        (
            s.trial.number,
            {
                **trial_cells(s.trial, "Trial"),
                "Complete": cell(s.count),
                "Seconds": cell(None if s.seconds is None else f"{s.seconds:.0f}", s.seconds),
                "Hypervolume": cell(f"{s.value:.4f}", s.value),
                "Front": cell(s.front),
            },
        )
        for s in found
    )
