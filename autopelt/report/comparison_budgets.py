"""The card of a comparison at several budgets: what was found against the best by hand at each."""

import math
from dataclasses import replace

from autopelt.architecture.budget import Budget
from autopelt.cards.at_budgets import AtBudgets, Pair, sentences, summary
from autopelt.cards.card import Card, Cell, Fact, Figure, Table, cell, table
from autopelt.cards.comparison_rows import Row
from autopelt.cards.figure import add_points, dashed, error_bars, padded, plain, plot
from autopelt.cards.look import MUTED
from autopelt.cards.means import LOOKS
from autopelt.cards.wording import around, difference, gap_words, parameters, score, share
from autopelt.study.record import StudyRecord

_LOOKS = {
    "other": (replace(LOOKS[True], words="Best by hand"), 10**-0.02),
    "found": (LOOKS[False], 10**0.02),
}
"""Look of each side of a pair, and the factor by which the two are drawn apart."""


def budgets_card(record: StudyRecord, made: AtBudgets) -> Card:
    """A figure of score against budget, the numbers, and what they say."""
    said = sentences(made)
    note = (
        "Best by hand: of the hand-made rows within the budget, by the selection split, each at "
        "its own best rate. Found: what the study expects most of within the budget. Differences "
        "are paired over random seeds and examples of the report split, with 95% intervals; sure: "
        "the interval does not hold 0; likely: one chance in five of the other sign. As good: the "
        "interval against the best by hand at the largest budget lies above minus the margin."
    )
    figures = (draw(record, made),) if any(_scored(p) for p in made.budgets) else ()
    return Card(
        summary(made),
        facts=facts(made),
        figures=figures,
        table=numbers(record, made),
        note=" ".join((*said, note)),
        key="budgets",
        title="Score against budget",
    )


def facts(made: AtBudgets) -> tuple[Fact, ...]:
    """The smallest as large numbers, and each budget's difference."""
    shown = [
        Fact(f"At {p.what}", difference(p.gap.mean), f"found minus by hand · {p.gap.sureness}")
        for p in made.budgets
        if p.gap is not None
    ]
    for words, row in (
        ("Smallest as good, found", made.smallest.found),
        ("Smallest as good, by hand", made.smallest.other),
    ):
        value = "none" if row is None else share(row.count.share)
        shown.append(Fact(words, value, "" if row is None else row.name))
    return tuple(shown)


def numbers(record: StudyRecord, made: AtBudgets) -> Table | None:
    """All pairs; a row shows the found architecture."""
    places = {t.label: t.number for t in record.trials}
    rows = []
    for p in made.pairs:
        gap = p.gap
        cells = {
            "Which": cell(p.what),
            "By hand": _name(p.other),
            "Its score": _score(p.other),
            "Its parameters": _size(p.other),
            "Found": _name(p.found),
            "Score": _score(p.found),
            "Parameters": _size(p.found),
            "Found minus by hand": cell(gap_words(gap), None if gap is None else gap.mean),
            "Sure": cell("" if gap is None else gap.sureness),
            "Parameters, ratio": _ratio(p.parameters),
            "Latency, ratio": _ratio(p.latency),
        }
        shown = p.found or p.other
        rows.append((None if shown is None else places[shown.name], cells))
    return table(rows, text=("By hand", "Found", "Sure"), folded="")


def _name(row: Row | None) -> Cell:
    return cell(None if row is None else row.name)


def _score(row: Row | None) -> Cell:
    mean = None if row is None else row.mean
    return cell(around(mean), None if mean is None else mean.mean)


def _size(row: Row | None) -> Cell:
    return cell("" if row is None else parameters(row.count), row.count.deployed if row else None)


def _ratio(value: float | None) -> Cell:
    return cell("" if value is None else f"× {value:.2g}", value)


def _scored(pair: Pair) -> bool:
    return any(r is not None and r.scored for r in (pair.found, pair.other))


def draw(record: StudyRecord, made: AtBudgets) -> Figure:
    """Mean report score against the budget, each with its 95 % interval."""
    places = {t.label: t.number for t in record.trials}
    figure = plot(f"report {record.metric}")
    ends: list[float] = []
    at: list[float] = []
    ticks = [
        100 * Budget.parse(p.what).limit(record.backbone.parameters) / record.backbone.parameters
        for p in made.budgets
    ]
    for side, (look, apart) in _LOOKS.items():
        known = [
            (x * apart, row, row.mean)
            for x, pair in zip(ticks, made.budgets, strict=True)
            if (row := getattr(pair, side)) is not None and row.mean is not None
        ]
        if not known:
            continue
        points = [
            (
                places[row.name],
                x,
                mean.mean,
                f"<b>{plain(row.name)}</b><br>{plain(record.metric)} {around(mean)}<br>"
                f"{parameters(row.count)}",
            )
            for x, row, mean in known
        ]
        line = {"mode": "lines", "line": dashed(look.colour), "hoverinfo": "skip"}
        figure.add_scatter(x=[p[1] for p in points], y=[p[2] for p in points], **line)
        bars = error_bars([mean.half or 0.0 for *_, mean in known], look.colour)
        add_points(figure, look, points, error_y=bars)
        ends += [e for *_, m in known for e in (m.mean, m.low, m.high) if e is not None]
        at += [x for x, *_ in known]
    legend = [look.legend for look, _ in _LOOKS.values()]
    full = made.full.other
    if full is not None and full.mean is not None:
        figure.add_hline(full.mean.mean, line=dashed(MUTED), layer="below")
        ends.append(full.mean.mean)
        legend.append(("dash", MUTED, f"full fine-tuning, {score(full.mean.mean)}"))
    figure.update_xaxes(
        title_text="budget (log)",
        type="log",
        range=[math.log10(min(at)) - 0.15, math.log10(max(at)) + 0.15],
        tickvals=ticks,
        ticktext=[p.what for p in made.budgets],
        tickangle=0,
    )
    figure.update_yaxes(range=padded(ends, 0.12))
    words = f"Mean report {record.metric} against the budget, found and by hand, with error bars"
    return Figure("budgets", words, figure, height=400, legend=tuple(legend))
