"""Card: the Pareto front of score against trainable-parameter share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from autopelt.cards.card import Card, Cell, Figure, NothingToShow, Table, cell, table
from autopelt.cards.cells import trial_cells
from autopelt.cards.expectation import all_plain, behind, learns, score_cells
from autopelt.cards.figure import (
    add_points,
    add_steps,
    dashed,
    error_bars,
    padded,
    plain,
    plot,
    share_axis,
    short,
)
from autopelt.cards.look import BLUE, FAINT, INK, LINE, MUTED, ORANGE, VERMILION, Look
from autopelt.cards.pairs import figures
from autopelt.cards.shown import shown
from autopelt.cards.wording import bounds, name, plural, score, share, wrapped
from autopelt.statistics.pareto import front as pareto_front
from autopelt.study.answer import answer, told_apart
from autopelt.study.objectives import format_cost
from autopelt.study.record import StudyRecord, TrialRecord

LOOKS = {
    "dominated": Look("Dominated", "circle", FAINT, 8, edge=0),
    "seed": Look("Seed architecture", "diamond", ORANGE, hollow=True),
    "outside": Look("Over the budget or a limit", "square", VERMILION, 9, hollow=True),
    "front": Look("On the front", "circle", BLUE, 12),
    "front seed": Look("Seed architecture on the front", "diamond", ORANGE, 13),
}
"""Kinds of points, in the order in which they are drawn."""
TRAINING = Look("One training", "circle", MUTED, 4, edge=0)
"""A training of an architecture whose expected score is not simply its one score."""
CONFIRMED = Look("Confirmed with more random seeds, report split", "cross", INK, 9)


NOTE = "Up and to the left is better. Click a point to see its architecture everywhere."
EXPECTED = (
    "A point is an architecture at the score that a training of it is expected to reach, given all "
    "trainings; its bar is one standard deviation of that expectation. Small dots are trainings."
)


@dataclass(frozen=True)
class Point:
    """One architecture in the figure.

    Attributes:
        trial: its first complete training.
        x: deployed parameters in percent of the backbone; the left edge for 0 parameters.
        y: expected score.
        kind: one of `LOOKS`; ``outside`` is over the budget or a limit.
        sd: standard deviation of `y`; 0 where it is not known.
        trainings: (trial, observed score) of each, where `y` is not simply its one score.
        told: what was observed, in words; "" likewise.
        over: what an architecture outside is over, in words.
    """

    trial: TrialRecord
    x: float
    y: float
    kind: str
    sd: float = 0.0
    trainings: tuple[tuple[int, float], ...] = ()
    told: str = ""
    over: str = ""


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
    trials = record.architectures
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

    def point(t: TrialRecord) -> Point:
        told = " · ".join(filter(None, (behind(record, t), learns(record, t))))
        trainings = [(o.number, o.point[1]) for o in record.trainings_of(t)] if told else []
        sd = record.belief(t).sd
        sd = sd if math.isfinite(sd) else 0.0
        return Point(
            t, place(t), record.expected(t), kind(t), sd, tuple(trainings), told, record.over(t)
        )

    drawn = {t.architecture for t in shown(record)}
    points = [point(t) for t in sorted(trials, key=lambda t: t.number) if t.architecture in drawn]
    inside = [t for t in trials if record.feasible(t)]
    known = list(map(record.point, inside))
    steps = [(place(inside[i]), known[i][1]) for i in pareto_front(known)]
    if steps:
        steps.append((budget, steps[-1][1]))
    high = max([*shares, budget]) * 10**0.12
    return Front(tuple(points), tuple(steps), budget, zero, low, high)


def draw(f: Front, metric: str) -> Figure:
    """Dominated grey, the front stepped and filled, seed architectures as diamonds, budget line."""
    figure = plot(metric, select="ring", labels=labels(f), lines=[f.budget])
    if f.steps:
        add_steps(figure, f.steps, BLUE)
    looks = {kind: look for kind, look in LOOKS.items() if f.of(kind)}
    single = [(p, number, y) for p in f.points for number, y in p.trainings]
    if single:
        dots = [(number, p.x, y, _of_one(p, number, y, metric)) for p, number, y in single]
        add_points(figure, TRAINING, dots, meta={"kind": "training"})
    for kind, look in looks.items():
        bars = {}
        if any(p.sd for p in f.of(kind)):
            bars["error_y"] = error_bars([p.sd for p in f.of(kind)], look.colour) | {"width": 0}
        add_points(figure, look, [_drawn(p, p.y, metric) for p in f.of(kind)], **bars)
    sure = [p for p in f.points if p.trial.confirmed]
    if sure:
        means = [_drawn(p, mean(p.trial.confirmed), metric) for p in sure]
        thin = {"marker_symbol": "cross-thin", "marker_line_color": INK}
        bars = error_bars([spread(p.trial) for p in sure], INK)
        add_points(figure, CONFIRMED, means, error_y=bars, meta={"kind": "confirmed"}, **thin)
    figure.update_xaxes(**share_axis(f.low, f.high, f.zero))
    ends = [p.y + sign * p.sd for p in f.points for sign in (-1, 1)]
    ends += [v for p in sure for v in p.trial.confirmed] + [y for _, _, y in single]
    figure.update_yaxes(range=padded(ends, 0.1))
    _mark_budget(figure, f)
    return Figure(
        "front",
        f"Scatter of {metric} against parameter share with the stepped Pareto front",
        figure,
        height=480,
        legend=tuple(
            look.legend
            for look in (
                *looks.values(),
                *([TRAINING] if single else []),
                *([CONFIRMED] if sure else []),
            )
        ),
        ordered=len(f.points) > 1,
    )


def _drawn(p: Point, y: float, metric: str) -> tuple[int, float, float, str]:
    return p.trial.number, p.x, y, hover(p, metric)


def _of_one(p: Point, number: int, y: float, metric: str) -> str:
    """What one training says on hover."""
    of = "" if number == p.trial.number else f", of {name(p.trial)} again"
    return f"<b>trial {number}</b>{plain(of)}<br>observed {plain(metric)} {score(y)}"


def _mark_budget(figure: Any, f: Front) -> None:
    """The budget as a dashed line, what is over it shaded, and the place of 0 parameters."""
    figure.add_vrect(f.budget, f.high, fillcolor="var(--outside)", line_width=0, layer="below")
    figure.add_vline(f.budget, line=dashed())
    if f.zero is not None:
        figure.add_vline(f.zero * 10**0.2, line={"color": LINE, "width": 1, "dash": "dot"})
    figure.add_annotation(
        text=f"budget {share(f.budget / 100)}",
        x=math.log10(f.budget),
        y=0,
        yref="paper",
        yanchor="bottom",
        xanchor="right",
        xshift=-4,
    )


def spread(t: TrialRecord) -> float:
    """Standard deviation of the confirming scores; 0 for fewer than two."""
    return stdev(t.confirmed) if len(t.confirmed) > 1 else 0.0


def confirmed(t: TrialRecord) -> str:
    """``0.671 ± 0.008``, or "" for a trial that was not confirmed."""
    return f"{score(mean(t.confirmed))} ± {score(spread(t))}" if t.confirmed else ""


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
        "outside": f"over {p.over}: for reference only",
    }.get(p.kind, "dominated")
    size = f"{share(t.count.share)} · {t.count.deployed:,} parameters"
    if t.confirmed:
        more = plural(len(t.confirmed), "random seed")
        size = f"report split {confirmed(t)} ({more})<br>{size}"
    if p.told:
        around = f" ± {score(p.sd)}" if p.sd else ""
        size = f"expected{around} from {plain(p.told)}<br>{size}"
    return (
        f"<b>{plain(head)}</b>  {plain(status)}<br>{plain(metric)} {score(p.y)}<br>{size}"
        f"<br>{plain(wrapped(t.architecture.describe()))}"
    )


def card(record: StudyRecord) -> Card:
    """The figure, one sentence about it, and its members as a table."""
    f = front(record)
    return Card(
        lead(record),
        figures=(draw(f, record.metric), *figures(record)),
        table=members(record),
        note=NOTE if all_plain(record) else f"{NOTE} {EXPECTED}",
    )


def lead(record: StudyRecord) -> str:
    """What the front says, as one sentence."""
    found = record.front
    if not found:
        return (
            f"No complete trial is within {bounds(record)} yet; the points shown are outside, for "
            "reference."
        )
    apart, found_answer = told_apart(record), answer(record)
    small, large = apart[0], apart[-1]
    named = [small] if len(apart) == 1 else found
    said = (
        f"{plural(len(apart), 'architecture')} are worth choosing between: from "
        f"{score(record.expected(small))} at {share(small.count.share)} of the backbone to "
        f"{score(record.expected(large))} at {share(large.count.share)}"
    )
    if len(found) == 1:
        said = (
            f"One architecture dominates all others within the budget: {name(large)} with "
            f"{score(record.expected(large))} at {share(large.count.share)}"
        )
    elif len(apart) == 1:
        said = (
            f"All {len(found)} members of the front are within the noise of the smallest, "
            f"{name(small)} with {score(record.expected(small))} at {share(small.count.share)}"
        )
    elif others := len(found) - len(apart):
        are = "is" if others == 1 else "are"
        said += f"; {plural(others, 'other')} on the front {are} within the noise of a smaller one"
    return said + ("." if found_answer is None else _taken(record, found_answer.take, named))


def _taken(record: StudyRecord, take: TrialRecord, named: list[TrialRecord]) -> str:
    """The end of a sentence about `named`, so that it does not contradict the verdict."""
    if take in named:
        return ": take that one." if len(named) == 1 and len(record.front) > 1 else "."
    on_front = any(t is take for t in record.front)
    why = "the smallest that is as good as the best" if on_front else "as good, and simpler"
    if any(c.trial == take.number for c in record.confirmed):
        why = "by the fresh random seeds"
    reached = f"{score(record.expected(take))} at {share(take.count.share)}"
    return f". The one to take is {name(take)} with {reached}: {why}."


def members(record: StudyRecord) -> Table | None:
    """The front as a table, by growing parameters."""
    sure, plain_ones = any(t.confirmed for t in record.front), all_plain(record)

    def cells(t: TrialRecord) -> dict[str, Cell]:
        again = {"Confirmed": cell(confirmed(t), mean(t.confirmed or (0.0,)))} if sure else {}
        costs = {
            n.capitalize(): cell(format_cost(n, cost), None if math.isnan(cost) else cost)
            for n in record.watched
            for cost in (record.cost(t, n),)
        }
        sizes = trial_cells(t, "Share", "Deployed", "Trained")
        named = trial_cells(t, "Architecture")
        scores = score_cells(record, t, plain_ones)
        return {**trial_cells(t, "Trial"), **scores, **again, **sizes, **costs, **named}

    return table(((t.number, cells(t)) for t in record.front), text=("Architecture",))
