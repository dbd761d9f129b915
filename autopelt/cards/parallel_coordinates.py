"""Card: parallel coordinates over grouped choices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from autopelt.cards.card import Card, Figure, NothingToShow, Row, cell, table
from autopelt.cards.figure import axis, layout, plain
from autopelt.cards.wording import method, name, plural, score, share, wrapped
from autopelt.methods import in_order
from autopelt.study.record import StudyRecord, TrialRecord

TITLE = "Choices"
FEWEST = 3


@dataclass(frozen=True)
class Axis:
    """One vertical axis: its values by trial, and their place between 0 and 1."""

    words: str
    values: tuple[float, ...]
    places: tuple[float, ...]
    low: str
    high: str


@dataclass(frozen=True)
class Parallel:
    """Trials as lines over the axes; `top` are those of the best quarter by score."""

    trials: tuple[TrialRecord, ...]
    axes: tuple[Axis, ...]
    top: frozenset[int]


def parallel(record: StudyRecord) -> Parallel:
    """Numbers of the card, from complete trials that train modules within the budget.

    Raises:
        NothingToShow: fewer than `FEWEST` of these.
    """
    trials = [t for t in record.complete if record.feasible(t) and t.architecture.modules]
    if len(trials) < FEWEST:
        raise NothingToShow(
            f"{plural(len(trials), 'complete trial')} within the budget with modules; "
            f"this card needs {FEWEST}."
        )
    names = in_order(m.method for t in trials for m in t.architecture.modules)
    axes = [
        _axis(
            f"{method(n)} total size",
            [float(sum(m.size for m in t.architecture.modules if m.method == n)) for t in trials],
            log=True,
        )
        for n in names
    ]
    layers = [
        float(len({m.layer for m in t.architecture.modules if m.layer is not None})) for t in trials
    ]
    gated = [
        100 * sum(m.gate is not None for m in t.architecture.modules) / len(t.architecture.modules)
        for t in trials
    ]
    rates = [t.architecture.learning_rate_multiplier for t in trials]
    axes += [
        _axis("layers in use", layers),
        _axis("modules with a gate", gated, unit="%"),
        _axis("learning rate ×", rates, log=True),
    ]
    axes = [a for a in axes if len(set(a.values)) > 1]
    axes.append(
        _axis("share of backbone", [100 * t.count.share for t in trials], log=True, unit="%")
    )
    axes.append(_axis(record.metric, [t.point[1] for t in trials], is_score=True))
    ranked = sorted(trials, key=lambda t: -t.point[1])
    top = frozenset(t.number for t in ranked[: max(1, math.ceil(len(ranked) / 4))])
    return Parallel(tuple(trials), tuple(axes), top)


def _axis(
    words: str, values: list[float], log: bool = False, unit: str = "", is_score: bool = False
) -> Axis:
    low, high = min(values), max(values)

    def scaled(v: float) -> float:
        if not log:
            return v
        return math.log(v) if low > 0 else math.log1p(v)

    a, b = scaled(low), scaled(high)
    places = tuple((scaled(v) - a) / (b - a) if b > a else 0.5 for v in values)

    def text(v: float) -> str:
        if is_score:
            return score(v)
        return f"{v:.3g}{unit}"

    return Axis(words, tuple(values), places, text(low), text(high))


def draw(p: Parallel) -> Figure:
    """One line a trial; the best quarter in blue on top, the others grey."""
    xs = list(range(len(p.axes)))
    order = sorted(range(len(p.trials)), key=lambda i: p.trials[i].number in p.top)
    data: list[dict[str, Any]] = []
    for i in order:
        t = p.trials[i]
        best = t.number in p.top
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": xs,
                "y": [round(a.places[i], 4) for a in p.axes],
                "line": {"color": "--blue" if best else "--faint", "width": 1.8 if best else 1},
                "text": [f"{a.values[i]:.4g}" for a in p.axes],
                "hovertemplate": f"<b>{plain(name(t))}</b> {score(t.score)} at "
                f"{share(t.count.share)}<br>here: %{{text}}<extra></extra>",
                "meta": {"trial": t.number},
            }
        )
    notes = []
    for x, a in enumerate(p.axes):
        for y, text, anchor in ((1, a.high, "bottom"), (0, a.low, "top")):
            notes.append(
                {
                    "x": x,
                    "y": y,
                    "text": plain(text),
                    "showarrow": False,
                    "yanchor": anchor,
                    "yshift": 4 if y else -4,
                    "font": {"size": 11, "color": "--muted"},
                }
            )
    shapes = [
        {
            "type": "line",
            "x0": x,
            "x1": x,
            "y0": 0,
            "y1": 1,
            "line": {"color": "--line", "width": 1},
            "layer": "below",
        }
        for x in xs
    ]
    horizontal = axis(
        tickvals=xs,
        ticktext=[plain(wrapped(a.words, 11)) for a in p.axes],
        range=[-0.35, len(xs) - 0.65],
        showgrid=False,
        showline=False,
        ticks="",
        tickangle=0,
        fixedrange=True,
        side="bottom",
        ticklabelstandoff=14,
    )
    vertical = axis(visible=False, range=[-0.08, 1.1], fixedrange=True)
    shown = layout(horizontal, vertical, annotations=notes, shapes=shapes)
    shown["margin"] = {**shown["margin"], "t": 4}
    shown["meta"] = {"select": "trace"}
    return Figure(
        "choices",
        f"Parallel coordinates of {len(p.trials)} trials over {len(xs)} grouped choices",
        data,
        shown,
        height=360,
        min_width=82 * len(xs),
        legend=(("line", "--blue", "best quarter by score"), ("line", "--faint", "the others")),
    )


def card(record: StudyRecord) -> Card:
    """The lines, and the same values as a table."""
    p = parallel(record)
    names = ("Trial", *(a.words.capitalize() for a in p.axes))
    rows = [
        Row(
            (
                cell(name(t), t.number),
                *(
                    cell(
                        score(a.values[i]) if a is p.axes[-1] else f"{a.values[i]:.4g}", a.values[i]
                    )
                    for a in p.axes
                ),
            ),
            trial=t.number,
        )
        for i, t in enumerate(p.trials)
    ]
    return Card(
        "choices",
        TITLE,
        lead(p),
        figures=(draw(p),),
        table=table(names, rows, names[1:]),
        note="Each line is one trial within the budget. A bundle of blue at one height of an axis "
        "is a choice that good trials share; it is no proof of a cause.",
    )


def lead(p: Parallel) -> str:
    """The choice in which the best quarter differs most from the rest, as one sentence."""
    rest = [i for i, t in enumerate(p.trials) if t.number not in p.top]
    best = [i for i, t in enumerate(p.trials) if t.number in p.top]
    if len(rest) < 2 or len(best) < 2 or len(p.axes) < 3:
        return "How the choices of the trials go together with their scores."

    def gap(a: Axis) -> float:
        return sum(a.places[i] for i in best) / len(best) - sum(a.places[i] for i in rest) / len(
            rest
        )

    most = max(p.axes[:-2], key=lambda a: abs(gap(a)))
    if abs(gap(most)) < 0.15:
        return "The best quarter of the trials differs from the rest in no single choice."
    more = "high" if gap(most) > 0 else "low"
    return f"The best quarter of the trials stands out most by a {more} “{most.words}”."
