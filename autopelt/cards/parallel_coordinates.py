"""Card: parallel coordinates over grouped choices."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from autopelt.cards.card import Card, Cell, Figure, NothingToShow, cell, table
from autopelt.cards.cells import trial_cells
from autopelt.cards.figure import names, plain, plot
from autopelt.cards.look import BLUE, FAINT, LINE
from autopelt.cards.shown import shown
from autopelt.cards.wording import method, name, plural, score, share, wrapped
from autopelt.methods import in_order
from autopelt.study.record import StudyRecord, TrialRecord

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
    """Architectures as lines over the axes; `top` are the best quarter by expected score."""

    trials: tuple[TrialRecord, ...]
    axes: tuple[Axis, ...]
    top: frozenset[int]


def parallel(record: StudyRecord) -> Parallel:
    """Numbers of the card, from complete trials that train modules within the budget.

    Raises:
        NothingToShow: fewer than `FEWEST` of these.
    """
    trials = [t for t in record.architectures if record.feasible(t) and t.architecture.modules]
    if len(trials) < FEWEST:
        raise NothingToShow(
            f"{plural(len(trials), 'complete trial')} within the budget with modules; "
            f"this card needs {FEWEST}."
        )
    methods = in_order(m.method for t in trials for m in t.architecture.modules)
    axes = [
        _axis(
            f"{method(n)} total size",
            [float(sum(m.size for m in t.architecture.modules if m.method == n)) for t in trials],
            log=True,
        )
        for n in methods
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
    axes.append(_axis(record.metric, [record.expected(t) for t in trials], is_score=True))
    ranked = sorted(trials, key=lambda t: -record.expected(t))
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
    figure = plot(select="trace")
    order = sorted(range(len(p.trials)), key=lambda i: p.trials[i].number in p.top)
    figure.add_traces([_line(p, i) for i in order])
    for x, a in enumerate(p.axes):
        figure.add_shape(
            type="line", x0=x, x1=x, y0=0, y1=1, line={"color": LINE, "width": 1}, layer="below"
        )
        for y, text, anchor, shift in ((1, a.high, "bottom", 4), (0, a.low, "top", -4)):
            figure.add_annotation(
                x=x, y=y, text=plain(text), yanchor=anchor, yshift=shift, font_size=11
            )
    words = [wrapped(a.words, 11) for a in p.axes]
    ends = [-0.35, len(words) - 0.65]
    figure.update_xaxes(**names(words, range=ends, side="bottom", ticklabelstandoff=14))
    figure.update_yaxes(visible=False, range=[-0.08, 1.1], fixedrange=True)
    figure.update_layout(margin_t=4)
    return Figure(
        "choices",
        f"Parallel coordinates of {len(p.trials)} trials over {len(words)} grouped choices",
        figure,
        height=360,
        min_width=82 * len(words),
        legend=(("line", BLUE, "best quarter by score"), ("line", FAINT, "the others")),
    )


def _line(p: Parallel, i: int) -> dict[str, Any]:
    t = p.trials[i]
    best = t.number in p.top
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(range(len(p.axes))),
        "y": [round(a.places[i], 4) for a in p.axes],
        "line": {"color": BLUE if best else FAINT, "width": 1.8 if best else 1},
        "text": [f"{a.values[i]:.4g}" for a in p.axes],
        "hovertemplate": f"<b>{plain(name(t))}</b> {score(p.axes[-1].values[i])} at "
        f"{share(t.count.share)}<br>here: %{{text}}<extra></extra>",
        "meta": {"trial": t.number},
    }


def card(record: StudyRecord) -> Card:
    """The lines, and the same values as a table."""
    p = parallel(record)
    said, p = lead(p), _drawn(p, record)

    def cells(i: int) -> dict[str, Cell]:
        *choices, last = p.axes
        own = {a.words.capitalize(): cell(f"{a.values[i]:.4g}", a.values[i]) for a in choices}
        own[last.words.capitalize()] = cell(score(last.values[i]), last.values[i])
        return trial_cells(p.trials[i], "Trial") | own

    return Card(
        said,
        figures=(draw(p),),
        table=table((t.number, cells(i)) for i, t in enumerate(p.trials)),
        note="Each line is one architecture within the budget. A bundle of blue at one height of "
        "an axis is a choice that good ones share; it is no proof of a cause.",
    )


def _drawn(p: Parallel, record: StudyRecord) -> Parallel:
    """The lines that are drawn, over the axes of all."""
    of = {t.architecture for t in shown(record)}
    kept = [i for i, t in enumerate(p.trials) if t.architecture in of]
    axes = (
        replace(a, values=tuple(a.values[i] for i in kept), places=tuple(a.places[i] for i in kept))
        for a in p.axes
    )
    return Parallel(tuple(p.trials[i] for i in kept), tuple(axes), p.top)


def lead(p: Parallel) -> str:
    """The choice in which the best quarter differs most from the rest, as one sentence."""
    rest = [i for i, t in enumerate(p.trials) if t.number not in p.top]
    best = [i for i, t in enumerate(p.trials) if t.number in p.top]
    if len(rest) < 2 or len(best) < 2 or len(p.axes) < 3:
        return "How the choices of the trials go together with their scores."

    def gap(a: Axis) -> float:
        return fmean(a.places[i] for i in best) - fmean(a.places[i] for i in rest)

    most = max(p.axes[:-2], key=lambda a: abs(gap(a)))
    if abs(gap(most)) < 0.15:
        return "The best quarter of the trials differs from the rest in no single choice."
    more = "high" if gap(most) > 0 else "low"
    return f"The best quarter of the trials stands out most by a {more} “{most.words}”."
