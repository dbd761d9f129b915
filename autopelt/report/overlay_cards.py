"""The cards of a page that lays several studies over each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autopelt.cards.card import (
    Card,
    Cell,
    Column,
    Command,
    Fact,
    Figure,
    NothingToShow,
    Row,
    Table,
    cell,
    flat,
    table,
)
from autopelt.cards.figure import axis, layout, padded, plain, share_axis
from autopelt.cards.front import Point, front, hover
from autopelt.cards.noise import difference_error
from autopelt.cards.progress import time_unit
from autopelt.cards.wording import difference, listed, name, plural, score, share
from autopelt.report.overlay import Member, Overlay, budget_words
from autopelt.system.units import format_seconds

TITLES = {
    "verdict": "Verdict",
    "front": "Pareto fronts",
    "progress": "Progress",
    "studies": "Studies",
    "settings": "What differs",
    "reproduce": "Repeat it",
}


def verdict(made: Overlay) -> Card:
    """Who found the most, and what each found best."""
    best = [m for m in made.members if m.record.best is not None]
    if not best:
        raise NothingToShow("No study has a complete trial within the common budget yet.")
    facts = []
    for m in best:
        top = m.record.best
        assert top is not None
        facts.append(
            Fact(
                m.words,
                score(top.score),
                f"{name(top)} · {share(top.count.share)} · hypervolume {m.value:.3f}",
                strong=True,
            )
        )
    return Card("verdict", TITLES["verdict"], lead(made), tuple(facts), note=_note(made))


def lead(made: Overlay) -> str:
    """The verdict as one sentence: by hypervolume, and whether the best scores differ."""
    ranked = sorted(made.members, key=lambda m: -m.value)
    first, second = ranked[0], ranked[1]
    if first.value == second.value:
        text = "The best fronts enclose the same hypervolume: none found more than the next"
    else:
        others = [f"{m.value:.3f} of {m.words}" for m in ranked[1:]]
        told = listed(others) if len(others) < 4 else f"at most {second.value:.3f} of the others"
        word = "better" if len(ranked) == 2 else "best"
        text = f"{first.words} found the {word} front: hypervolume {first.value:.3f} against {told}"
    return f"{text}. {_scores(made)}".rstrip()


def _scores(made: Overlay) -> str:
    """Whether the best scores differ by more than chance, as a sentence; "" where unknown."""
    tops = [m.record.best.point[1] for m in made.members if m.record.best is not None]
    low, high = min(tops), max(tops)
    if len(tops) > 1 and low == high:
        return f"All reach {score(high)} at best."
    error = difference_error(made.members[0].record, low, high)
    if len(tops) < 2 or error is None:
        return ""
    if high - low < 2 * error:
        return f"The best scores, {score(low)} to {score(high)}, lie within chance of each other."
    return f"The best scores, {score(low)} to {score(high)}, differ by more than chance."


def _note(made: Overlay) -> str:
    head = f"All under one reference point: a budget of {budget_words(made)} and a score of "
    text = head + f"{score(made.floor)}."
    if made.shortened:
        text += " The smallest budget counts; what a study found beyond it is left out."
    return text + (
        " Each study is one run, and another random seed would have given another: a close race is "
        "decided by several studies of each kind."
    )


def fronts(made: Overlay) -> Card:
    """All stepped fronts in one figure."""
    drawn = [(m, front(m.record)) for m in made.members if m.record.front]
    if not drawn:
        raise NothingToShow("No study has a complete trial within the common budget yet.")
    zeros = [f.zero for _, f in drawn if f.zero is not None]
    zero = min(zeros) if zeros else None
    low = min(f.low for _, f in drawn)
    budget = drawn[0][1].budget
    high = budget * 10**0.06
    data: list[dict[str, Any]] = []
    ys: list[float] = []
    for m, f in drawn:
        colour, symbol, dash = m.look
        # 0 parameters have one place in the figure, not one a study.
        steps = [(zero if x == f.zero and zero is not None else x, y) for x, y in f.steps]
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": [x for x, _ in steps],
                "y": [y for _, y in steps],
                "line": {"shape": "hv", "color": colour, "width": 2, "dash": dash},
                "hoverinfo": "skip",
            }
        )
        points = f.of("front", "front seed")
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [x for x, _ in steps[:-1]],
                "y": [y for _, y in steps[:-1]],
                "customdata": [m.key(t) for t in m.record.front],
                "marker": {
                    "symbol": symbol,
                    "size": 10,
                    "color": colour,
                    "line": {"width": 2, "color": colour if "open" in symbol else "--surface"},
                },
                "cliponaxis": False,
                "hoverinfo": "text",
                "hovertext": [_hover(m, p, made.metric) for p in _by_size(points)],
            }
        )
        ys += [y for _, y in steps]
    x = share_axis(low, high, zero)
    line = {"color": "--ink", "width": 1.2, "dash": "dash"}
    shapes = [
        {
            "type": "line",
            "xref": "x",
            "yref": "paper",
            "x0": budget,
            "x1": budget,
            "y0": 0,
            "y1": 1,
            "line": line,
        }
    ]
    shown = layout(x, axis(range=padded(ys, 0.1)), made.metric, shapes=shapes)
    shown["meta"] = {"select": "ring"}
    figure = Figure(
        "front",
        f"Pareto fronts of {len(drawn)} studies",
        data,
        shown,
        height=480,
        legend=tuple(_legend(m) for m, _ in drawn),
    )
    best = max((m for m, _ in drawn), key=lambda m: m.value)
    return Card(
        "front",
        TITLES["front"],
        f"{plural(len(drawn), 'front')} within {budget_words(made)}; "
        f"{best.words} encloses the most.",
        figures=(figure,),
        table=_members_table(made),
        note="Up and to the left is better. The dashed vertical line is the common budget.",
    )


def _by_size(points: list[Point]) -> list[Point]:
    return sorted(points, key=lambda p: (p.trial.count.deployed, p.trial.number))


def _hover(m: Member, p: Point, metric: str) -> str:
    return f"{plain(m.words)}<br>{hover(p, metric)}"


def _legend(m: Member) -> tuple[str, str, str]:
    return (m.look[1], m.look[0], m.words)


def _members_table(made: Overlay) -> Table:
    names = ("Study", "Trial", "Score", "Share", "Architecture")
    rows = [
        Row(
            (
                cell(m.words),
                cell(t.number, t.number),
                cell(score(t.score), t.score),
                cell(share(t.count.share), t.count.share),
                cell(t.architecture.describe()),
            ),
            trial=m.key(t),
        )
        for m in made.members
        for t in m.record.front
    ]
    return table(names, rows, names[1:4])


def progress(made: Overlay) -> Card:
    """Hypervolume curves over trials and over time."""
    drawn = [m for m in made.members if m.steps]
    if not drawn:
        raise NothingToShow("No trial is complete, so there is no progress to show yet.")
    figures = [_curves(drawn, over_time=False)]
    if all(s.seconds is not None for m in drawn for s in m.steps):
        figures.append(_curves(drawn, over_time=True))
    least = min(drawn, key=lambda m: m.value)
    rest = [(m, m.reached(least.value)) for m in drawn if m is not least]
    told = [f"{m.words} after {plural(n, 'trial')}" for m, n in rest if n is not None]
    text = f"{least.words} ends at {least.value:.3f}"
    if told and least.value > 0:
        text += f"; {listed(told)} had reached that"
    return Card(
        "progress",
        TITLES["progress"],
        f"{text}.",
        figures=tuple(figures),
        note="Hypervolume is the area between the front, the common budget and the reference "
        f"score of {score(made.floor)}, in decades × score. Time is comparable between studies of "
        "one machine only.",
    )


def _curves(members: list[Member], over_time: bool) -> Figure:
    longest = max(s.seconds or 0.0 for m in members for s in m.steps)
    per, unit = time_unit(longest)
    data: list[dict[str, Any]] = []
    for m in members:
        xs = [(s.seconds or 0.0) / per if over_time else float(s.count) for s in m.steps]
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": xs,
                "y": [s.value for s in m.steps],
                "customdata": [m.key(s.trial) for s in m.steps],
                "line": {"shape": "hv", "color": m.look[0], "width": 2, "dash": m.look[2]},
                "marker": {
                    "symbol": m.look[1],
                    "color": m.look[0],
                    # A symbol where the front grew; the line says the rest.
                    "size": [
                        8 if s.value > (m.steps[i - 1].value if i else 0.0) else 0
                        for i, s in enumerate(m.steps)
                    ],
                    "opacity": 1,
                },
                "hoverinfo": "text",
                "hovertext": [
                    f"<b>{plain(m.words)}</b> {plain(name(s.trial))}<br>hypervolume {s.value:.4f} "
                    f"after {plural(s.count, 'trial')}"
                    + (f", {format_seconds(s.seconds)}" if s.seconds else "")
                    for s in m.steps
                ],
            }
        )
    x = axis(f"time ({unit})" if over_time else "complete trials", rangemode="tozero")
    shown = layout(x, axis(rangemode="tozero"), "hypervolume (decades × score)")
    shown["meta"] = {"select": "ring"}
    return Figure(
        "progress-time" if over_time else "progress-trials",
        f"Hypervolume of {len(members)} studies over {'time' if over_time else 'trials'}",
        data,
        shown,
        height=340,
        heading="Over time" if over_time else "Over trials",
        legend=tuple(_legend(m) for m in members),
    )


COLUMNS = (
    Column("Study"),
    Column("Sampler", minor=1),
    Column("Complete", number=True),
    Column("Best", number=True),
    Column("Gain over seeds", number=True, minor=1),
    Column("Front", number=True, minor=2),
    Column("Hypervolume", number=True),
    Column("Level with the last after", number=True, minor=2),
    Column("Time", number=True, minor=1),
)


def studies(made: Overlay) -> Card:
    """One row a study, not folded away."""
    least = min(m.value for m in made.members)
    rows = tuple(Row(_cells(m, least)) for m in made.members)
    done = sum(len(m.record.complete) for m in made.members)
    return Card(
        "studies",
        TITLES["studies"],
        f"{plural(len(made.members), 'study', 'studies')} with {plural(done, 'complete trial')}, "
        f"all on {made.members[0].record.task.name or 'one task'}.",
        table=Table(COLUMNS, rows, folded=""),
        note="“Gain over seeds” is the best score minus that of the study's own best seed "
        "architecture. “Level with the last” counts complete trials until the hypervolume of the "
        "weakest study here was reached.",
    )


def _cells(m: Member, least: float) -> tuple[Cell, ...]:
    record = m.record
    best, seed = record.best, record.best_seed
    gain = None
    if best is not None and seed is not None and best.score is not None and seed.score is not None:
        gain = best.score - seed.score
    seconds = m.steps[-1].seconds if m.steps else None
    reached = m.reached(least) if least > 0 else None
    return (
        cell(m.words),
        cell(record.config.sampler),
        cell(len(record.complete), len(record.complete)),
        cell(None if best is None else score(best.score), None if best is None else best.score),
        cell(None if gain is None else difference(gain), gain),
        cell(len(record.front), len(record.front)),
        cell(f"{m.value:.4f}", m.value),
        cell(reached, reached),
        cell(None if seconds is None else format_seconds(seconds), seconds),
    )


def settings(made: Overlay) -> Card:
    """Every setting in which the studies are not alike."""
    known = [dict(flat(m.record.config.model_dump(mode="json"))) for m in made.members]
    versions = [{f"version {k}": v for k, v in m.record.versions.items()} for m in made.members]
    known = [a | b for a, b in zip(known, versions, strict=True)]
    keys = list(dict.fromkeys(key for values in known for key in values))
    different = [k for k in keys if len({v.get(k) for v in known}) > 1]
    if not different:
        raise NothingToShow("The studies were made with the same settings and versions.")
    rows = [Row((cell(k), *(cell((v.get(k) or "")[:200]) for v in known))) for k in different]
    names = ("Setting", *(m.name for m in made.members))
    shown = table(names, rows)
    return Card(
        "settings",
        TITLES["settings"],
        f"The studies differ in {plural(len(different), 'setting')}"
        f"{': ' + listed(different) if len(different) < 5 else ''}.",
        table=Table(shown.columns, shown.rows, folded=""),
    )


def reproduce(made: Overlay) -> Card:
    """The command of each study."""
    lines = tuple(Command(m.words, m.record.command) for m in made.members if m.record.command)
    if not lines:
        raise NothingToShow("The studies do not know the commands that made them.")
    return Card(
        "reproduce", TITLES["reproduce"], "The commands that made these studies.", commands=lines
    )


CARDS: dict[str, Callable[[Overlay], Card]] = {
    "verdict": verdict,
    "front": fronts,
    "progress": progress,
    "studies": studies,
    "settings": settings,
    "reproduce": reproduce,
}
