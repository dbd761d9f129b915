"""Card: the Pareto front of score against trainable-parameter share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from autopelt.cards.card import Card, Figure, NothingToShow, Row, Table, cell, table
from autopelt.cards.figure import axis, layout, padded, plain, share_axis, short
from autopelt.cards.pairs import cost_name, figures
from autopelt.cards.wording import name, plural, score, share, wrapped
from autopelt.statistics.pareto import front as pareto_front
from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.system.units import format_cost

TITLE = "Pareto front"
KINDS = ("dominated", "front", "seed", "front seed", "outside")


@dataclass(frozen=True)
class Point:
    """One complete trial in the figure.

    Attributes:
        x: deployed parameters in percent of the backbone; the left edge for 0 parameters.
        kind: one of `KINDS`; ``outside`` is over the budget.
    """

    trial: TrialRecord
    x: float
    y: float
    kind: str


@dataclass(frozen=True)
class Front:
    """Numbers of the figure.

    Attributes:
        points: by trial number.
        steps: corners of the stepped front of score against parameters, up to the budget line.
        budget: x of the budget line, in percent.
        zero: x at which 0 parameters are drawn; None if no trial has none.
        low, high: x range.
    """

    points: tuple[Point, ...]
    steps: tuple[tuple[float, float], ...]
    budget: float
    zero: float | None
    low: float
    high: float

    def of(self, *kinds: str) -> list[Point]:
        """Points of these kinds."""
        return [p for p in self.points if p.kind in kinds]


def front(record: StudyRecord) -> Front:
    """Numbers of the card.

    Raises:
        NothingToShow: no trial is complete.
    """
    trials = record.complete
    if not trials:
        raise NothingToShow("No trial is complete, so there is no front yet.")
    backbone = trials[0].count.backbone
    budget = 100 * record.limit / backbone
    shares = [100 * t.count.share for t in trials if t.count.deployed > 0]
    low = 10 ** math.floor(math.log10(min([*shares, budget])) - 0.02)
    zero = None
    if any(t.count.deployed == 0 for t in trials):
        # 0 has no place on a log axis: it gets a marked one, half a decade left of the rest.
        zero = min([*shares, budget]) / 10**0.5
        low = zero / 10**0.12
    else:
        low = max(low, min([*shares, budget]) / 10**0.3)
    on_front = {t.number for t in record.front}

    def kind(t: TrialRecord) -> str:
        if not record.feasible(t):
            return "outside"
        if t.number in on_front:
            return "front seed" if t.label else "front"
        return "seed" if t.label else "dominated"

    def place(t: TrialRecord) -> float:
        return 100 * t.count.share if t.count.deployed > 0 else zero or low

    points = tuple(Point(t, place(t), t.point[1], kind(t)) for t in trials)
    inside = [t for t in trials if record.feasible(t)]
    steps = [
        (place(inside[i]), inside[i].point[1]) for i in pareto_front([t.point for t in inside])
    ]
    if steps:
        steps.append((budget, steps[-1][1]))
    high = max([*shares, budget]) * 10**0.12
    return Front(points, tuple(steps), budget, zero, low, high)


def draw(f: Front, metric: str) -> Figure:
    """Dominated grey, the front stepped and filled, seed architectures as diamonds, budget line."""
    looks: list[tuple[str, str, tuple[str, ...], dict[str, Any]]] = [
        (
            "dominated",
            "Dominated",
            ("dominated",),
            {"symbol": "circle", "size": 8, "color": "--faint", "line": {"width": 0}},
        ),
        (
            "seed",
            "Seed architecture",
            ("seed",),
            {
                "symbol": "diamond",
                "size": 10,
                "color": "--surface",
                "line": {"width": 1.8, "color": "--orange"},
            },
        ),
        (
            "outside",
            "Over the budget",
            ("outside",),
            {
                "symbol": "square",
                "size": 9,
                "color": "--surface",
                "line": {"width": 1.8, "color": "--vermilion"},
            },
        ),
        (
            "front",
            "On the front",
            ("front",),
            {
                "symbol": "circle",
                "size": 12,
                "color": "--blue",
                "line": {"width": 2, "color": "--surface"},
            },
        ),
        (
            "front seed",
            "Seed architecture on the front",
            ("front seed",),
            {
                "symbol": "diamond",
                "size": 13,
                "color": "--orange",
                "line": {"width": 2, "color": "--surface"},
            },
        ),
    ]
    data: list[dict[str, Any]] = []
    if f.steps:
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": [x for x, _ in f.steps],
                "y": [y for _, y in f.steps],
                "line": {"shape": "hv", "color": "--blue", "width": 2},
                "hoverinfo": "skip",
                "showlegend": False,
            }
        )
    for key, words, kinds, marker in looks:
        points = f.of(*kinds)
        if points:
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": words,
                    "x": [p.x for p in points],
                    "y": [p.y for p in points],
                    "customdata": [p.trial.number for p in points],
                    "marker": marker,
                    "cliponaxis": False,
                    "hoverinfo": "text",
                    "hovertext": [hover(p, metric) for p in points],
                    "meta": {"kind": key},
                }
            )
    sure = [p for p in f.points if p.trial.confirmed]
    if sure:
        data.append(_confirmed(sure, metric))
    x = share_axis(f.low, f.high, f.zero, showgrid=True)
    ends = [p.y for p in f.points] + [v for p in sure for v in p.trial.confirmed]
    y = axis(range=padded(ends, 0.1))
    shown = layout(x, y, metric, shapes=_shapes(f), annotations=_budget_words(f))
    shown["meta"] = {"select": "ring", "labels": labels(f), "lines": [f.budget]}
    summary = f"Scatter of {metric} against parameter share with the stepped Pareto front"
    legend = tuple(
        (_symbol(look), _colour(look), words) for _, words, kinds, look in looks if f.of(*kinds)
    )
    if sure:
        legend = (*legend, ("cross", "--ink", "Confirmed with more random seeds, report split"))
    return Figure(
        "front", summary, data, shown, height=480, legend=legend, ordered=len(f.points) > 1
    )


def _confirmed(points: Sequence[Point], metric: str) -> dict[str, Any]:
    """Means with error bars (± one standard deviation over the random seeds)."""
    means = [mean(p.trial.confirmed) for p in points]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [p.x for p in points],
        "y": means,
        "customdata": [p.trial.number for p in points],
        "error_y": {
            "type": "data",
            "array": [spread(p.trial) for p in points],
            "color": "--ink",
            "thickness": 1.4,
            "width": 5,
        },
        "marker": {
            "symbol": "cross-thin",
            "size": 9,
            "color": "--ink",
            "line": {"width": 2, "color": "--ink"},
        },
        "cliponaxis": False,
        "hoverinfo": "text",
        "hovertext": [hover(p, metric) for p in points],
        "meta": {"kind": "confirmed"},
    }


def spread(t: TrialRecord) -> float:
    """Standard deviation of the confirming scores; 0 for fewer than two."""
    return stdev(t.confirmed) if len(t.confirmed) > 1 else 0.0


def confirmed(t: TrialRecord) -> str:
    """``0.671 ± 0.008``, or "" for a trial that was not confirmed."""
    return f"{score(mean(t.confirmed))} ± {score(spread(t))}" if t.confirmed else ""


def _symbol(look: dict[str, Any]) -> str:
    return f"{look['symbol']}-open" if look["color"] == "--surface" else str(look["symbol"])


def _colour(look: dict[str, Any]) -> str:
    return str(look["line"]["color"] if look["color"] == "--surface" else look["color"])


def labels(f: Front) -> list[dict[str, Any]]:
    """Labels of the seed architectures, the most telling first; the page places what fits."""
    order = {"front seed": 0, "outside": 1, "seed": 2}
    named = [p for p in f.points if p.trial.label and p.kind in order]
    named.sort(key=lambda p: (order[p.kind], -p.y))
    return [{"x": p.x, "y": p.y, "text": short(p.trial.label)} for p in named]


def hover(p: Point, metric: str) -> str:
    """Hover text: the name, the score, the size, the architecture in words."""
    t = p.trial
    head = f"trial {t.number}" + (f" · {t.label}" if t.label else "")
    status = {
        "front": "on the front",
        "front seed": "seed architecture, on the front",
        "seed": "seed architecture, dominated",
        "outside": "over the budget: for reference only",
    }.get(p.kind, "dominated")
    size = f"{share(t.count.share)} · {t.count.deployed:,} parameters"
    if t.confirmed:
        more = plural(len(t.confirmed), "random seed")
        size = f"report split {confirmed(t)} ({more})<br>{size}"
    return (
        f"<b>{plain(head)}</b>  {plain(status)}<br>{plain(metric)} {score(t.score)}<br>{size}"
        f"<br>{plain(wrapped(t.architecture.describe()))}"
    )


def _shapes(f: Front) -> list[dict[str, Any]]:
    shapes: list[dict[str, Any]] = [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": f.budget,
            "x1": f.high,
            "y0": 0,
            "y1": 1,
            "fillcolor": "--outside",
            "line": {"width": 0},
            "layer": "below",
        },
        {
            "type": "line",
            "xref": "x",
            "yref": "paper",
            "x0": f.budget,
            "x1": f.budget,
            "y0": 0,
            "y1": 1,
            "line": {"color": "--ink", "width": 1.2, "dash": "dash"},
        },
    ]
    if f.zero is not None:
        edge = f.zero * 10**0.2
        shapes.append(
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": edge,
                "x1": edge,
                "y0": 0,
                "y1": 1,
                "line": {"color": "--line", "width": 1, "dash": "dot"},
            }
        )
    return shapes


def _budget_words(f: Front) -> list[dict[str, Any]]:
    return [
        {
            "x": math.log10(f.budget),
            "xref": "x",
            "y": 0,
            "yref": "paper",
            "yanchor": "bottom",
            "xanchor": "right",
            "xshift": -4,
            "text": f"budget {share(f.budget / 100)}",
            "showarrow": False,
            "font": {"size": 12, "color": "--muted"},
        }
    ]


def card(record: StudyRecord) -> Card:
    """The figure, one sentence about it, and its members as a table."""
    f = front(record)
    return Card(
        "front",
        TITLE,
        lead(record),
        figures=(draw(f, record.metric), *figures(record)),
        table=members(record),
        note="Up and to the left is better. Click a point to see its architecture everywhere.",
    )


def lead(record: StudyRecord) -> str:
    """What the front says, as one sentence."""
    found = record.front
    if not found:
        return (
            "No complete trial fits the budget yet; the points shown are reference points over it."
        )
    small, large = found[0], max(found, key=lambda t: t.point[1])
    if len(found) == 1:
        return (
            f"One architecture dominates all others within the budget: {name(large)} with "
            f"{score(large.score)} at {share(large.count.share)}."
        )
    return (
        f"{plural(len(found), 'architecture')} are worth choosing between: from "
        f"{score(small.score)} at {share(small.count.share)} of the backbone to "
        f"{score(large.score)} at {share(large.count.share)}."
    )


def members(record: StudyRecord) -> Table | None:
    """The front as a table, by growing parameters."""
    sure = any(t.confirmed for t in record.front)
    extra = ("Confirmed",) if sure else ()
    costs = tuple(cost_name(n) for n in record.measured)
    names = ("Trial", "Score", *extra, "Share", "Deployed", "Trained", *costs, "Architecture")
    rows = [
        Row(
            (
                cell(name(t), t.number),
                cell(score(t.score), t.score),
                *([cell(confirmed(t), mean(t.confirmed or (0.0,)))] if sure else []),
                cell(share(t.count.share), t.count.share),
                cell(f"{t.count.deployed:,}", t.count.deployed),
                cell(f"{t.count.trained:,}", t.count.trained),
                *(cell(format_cost(n, t.costs.get(n)), t.costs.get(n)) for n in record.measured),
                cell(t.architecture.describe()),
            ),
            trial=t.number,
        )
        for t in record.front
    ]
    numbers = ("Score", *extra, "Share", "Deployed", "Trained", *costs)
    return table(names, rows, numbers) if rows else None
