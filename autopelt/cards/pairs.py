"""Panels of the front card where measured costs are objectives: every two together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

from autopelt.cards.card import Figure
from autopelt.cards.expectation import expectation
from autopelt.cards.figure import add_points, padded, plain, plot
from autopelt.cards.look import BLUE, FAINT, Look
from autopelt.cards.wording import name, share
from autopelt.study.objectives import COSTS, format_cost
from autopelt.study.record import StudyRecord, TrialRecord

LOOKS = {
    False: Look("Dominated", "circle", FAINT, 8, edge=0),
    True: Look("On the front of all objectives", "circle", BLUE, 11),
}
"""By whether a point is on the front, in the order in which they are drawn."""


@dataclass(frozen=True)
class Panel:
    """Numbers of one panel: architectures within the budget, two objectives.

    Attributes:
        x, y: names of the objectives: ``params``, ``score``, or a key of `COSTS`.
        points: (trial, x, y, on the front of all objectives); parameters in percent of the
            backbone, costs in the unit of their axis.
    """

    x: str
    y: str
    points: tuple[tuple[TrialRecord, float, float, bool], ...]


def panels(record: StudyRecord) -> list[Panel]:
    """Every pair of objectives with a measured one; the other pair is the front's own figure."""
    chosen = {t.number for t in record.front}
    inside = [t for t in record.architectures if record.feasible(t)]
    names = ["params", *record.watched]
    pairs = [(x, "score") for x in record.watched] + list(combinations(names, 2))
    made = []
    for x, y in pairs:
        points = [(t, value(record, t, x), value(record, t, y), t.number in chosen) for t in inside]
        known = tuple(p for p in points if math.isfinite(p[1]) and math.isfinite(p[2]))
        if known:
            made.append(Panel(x, y, known))
    return made


def value(record: StudyRecord, t: TrialRecord, objective: str) -> float:
    """An architecture's value of an objective, in the unit that is drawn."""
    if objective == "score":
        return record.expected(t)
    if objective == "params":
        return 100 * t.count.share
    return record.cost(t, objective) / COSTS[objective].unit


def figures(record: StudyRecord) -> tuple[Figure, ...]:
    """One small scatter for each panel; none where nothing is measured."""
    return tuple(draw(p, record) for p in panels(record))


def draw(p: Panel, record: StudyRecord) -> Figure:
    """Dominated grey, the front of all objectives blue."""
    metric = record.metric
    across, up = _words(p.x, metric), _words(p.y, metric)
    figure = plot(up, select="ring")
    legend = []
    for on_front, look in LOOKS.items():
        points = [(t.number, x, y, hover(t, record)) for t, x, y, on in p.points if on == on_front]
        if points:
            add_points(figure, look, points)
            legend.append(look.legend)
    figure.update_xaxes(title_text=plain(across), range=padded([x for _, x, _, _ in p.points]))
    figure.update_yaxes(range=padded([y for _, _, y, _ in p.points], 0.1))
    heading = f"{_short(p.y, metric)} against {_short(p.x, metric)}"
    return Figure(
        f"pair-{p.x}-{p.y}",
        f"Scatter of {up} against {across}",
        figure,
        height=320,
        heading=heading[:1].upper() + heading[1:],
        legend=tuple(legend),
    )


def hover(t: TrialRecord, record: StudyRecord) -> str:
    """Hover text: the name and every objective."""
    costs = " · ".join(f"{n} {format_cost(n, record.cost(t, n))}" for n in record.watched)
    return (
        f"<b>{plain(name(t))}</b><br>{plain(record.metric)} {plain(expectation(record, t))} · "
        f"{share(t.count.share)}"
        f"<br>{plain(costs)}"
    )


def _short(objective: str, metric: str) -> str:
    return {"score": metric, "params": "parameters"}.get(objective, objective)


def _words(objective: str, metric: str) -> str:
    if objective in COSTS:
        return COSTS[objective].words
    return {"score": metric, "params": "parameters, % of the backbone"}[objective]
