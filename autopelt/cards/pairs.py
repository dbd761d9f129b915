"""Panels of the front card where latency or memory are objectives: every two together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from autopelt.cards.card import Figure
from autopelt.cards.figure import axis, layout, padded, plain
from autopelt.cards.wording import name, score, share
from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.system.units import format_cost

LOOKS = (
    (False, "Dominated", {"symbol": "circle", "size": 8, "color": "--faint", "line": {"width": 0}}),
    (
        True,
        "On the front of all objectives",
        {
            "symbol": "circle",
            "size": 11,
            "color": "--blue",
            "line": {"width": 2, "color": "--surface"},
        },
    ),
)


@dataclass(frozen=True)
class Panel:
    """Numbers of one panel: trials within the budget, two objectives.

    Attributes:
        x, y: names of the objectives: ``params``, ``latency``, ``memory``, ``score``.
        points: (trial, x, y, on the front of all objectives); parameters in percent of the
            backbone, memory in MiB.
    """

    x: str
    y: str
    points: tuple[tuple[TrialRecord, float, float, bool], ...]


def panels(record: StudyRecord) -> list[Panel]:
    """Every pair of objectives with a measured one; the other pair is the front's own figure."""
    chosen = {t.number for t in record.front}
    inside = [t for t in record.complete if record.feasible(t)]
    names = ["params", *record.measured]
    pairs = [(x, "score") for x in record.measured] + list(combinations(names, 2))
    made = []
    for x, y in pairs:
        points = [(t, value(t, x), value(t, y), t.number in chosen) for t in inside]
        known = tuple(p for p in points if math.isfinite(p[1]) and math.isfinite(p[2]))
        if known:
            made.append(Panel(x, y, known))
    return made


def value(t: TrialRecord, objective: str) -> float:
    """A trial's value of an objective, in the unit that is drawn."""
    if objective == "score":
        return t.point[1]
    if objective == "params":
        return 100 * t.count.share
    measured = t.costs.get(objective, math.nan)
    return measured / 2**20 if objective == "memory" else measured


def figures(record: StudyRecord) -> tuple[Figure, ...]:
    """One small scatter for each panel; none where nothing is measured."""
    return tuple(draw(p, record.metric) for p in panels(record))


def draw(p: Panel, metric: str) -> Figure:
    """Dominated grey, the front of all objectives blue."""
    data: list[dict[str, Any]] = []
    for wanted, words, marker in LOOKS:
        points = [q for q in p.points if q[3] == wanted]
        if points:
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": words,
                    "x": [x for _, x, _, _ in points],
                    "y": [y for _, _, y, _ in points],
                    "customdata": [t.number for t, _, _, _ in points],
                    "marker": marker,
                    "cliponaxis": False,
                    "hoverinfo": "text",
                    "hovertext": [hover(t, metric) for t, _, _, _ in points],
                }
            )
    across, up = _words(p.x, metric), _words(p.y, metric)
    shown = layout(
        axis(across, range=padded([q[1] for q in p.points]), showgrid=True),
        axis(range=padded([q[2] for q in p.points], 0.1)),
        up,
    )
    shown["meta"] = {"select": "ring"}
    legend = tuple(
        (str(m["symbol"]), str(m["color"]), text)
        for wanted, text, m in LOOKS
        if any(q[3] == wanted for q in p.points)
    )
    heading = f"{_short(p.y, metric)} against {_short(p.x, metric)}"
    return Figure(
        f"pair-{p.x}-{p.y}",
        f"Scatter of {up} against {across}",
        data,
        shown,
        height=320,
        heading=heading[:1].upper() + heading[1:],
        legend=legend,
    )


def hover(t: TrialRecord, metric: str) -> str:
    """Hover text: the name and every objective."""
    costs = " · ".join(f"{n} {format_cost(n, v)}" for n, v in t.costs.items())
    return (
        f"<b>{plain(name(t))}</b><br>{plain(metric)} {score(t.score)} · {share(t.count.share)}"
        f"<br>{plain(costs)}"
    )


def cost_name(objective: str) -> str:
    """Head of a column."""
    return objective.capitalize()


def _short(objective: str, metric: str) -> str:
    return {"score": metric, "params": "parameters"}.get(objective, objective)


def _words(objective: str, metric: str) -> str:
    return {
        "score": metric,
        "params": "parameters, % of the backbone",
        "latency": "latency, times the bare backbone's",
        "memory": "memory of training beside the frozen weights, MiB",
    }[objective]
