"""Tables of results for the terminal."""

from autopelt.cards.at_budgets import AtBudgets
from autopelt.cards.comparison_rows import (
    Row,
    best_row,
    by_selection,
    energy,
    latency,
    megabytes,
    selection_words,
)
from autopelt.cards.expectation import all_plain, observed
from autopelt.cards.wording import around, gap_words, name, score, share
from autopelt.statistics.paired import spread
from autopelt.study.confirmation import FOUND, SEED, by_report, chosen
from autopelt.study.objectives import format_cost
from autopelt.study.record import StudyRecord
from autopelt.system.units import format_score, format_seconds, format_share
from autopelt.views.columns import Column, Table


def front_table(study: StudyRecord) -> Table:
    """The trials of a study's front."""
    plain = all_plain(study)
    names = [Column(study.metric)]
    if not plain:
        names = [Column("expected"), Column("observed", minor=3), Column("trainings", minor=2)]
    table = Table(
        Column("trial"),
        *names,
        Column("parameters"),
        Column("share", minor=4),
        *(Column(name, minor=1) for name in study.watched),
        Column("architecture", words=True),
    )
    for t in study.front:
        known = [] if plain else [observed(study, t), str(len(study.trainings_of(t)))]
        table.add(
            str(t.number),
            format_score(study.expected(t)),
            *known,
            f"{t.count.deployed:,}",
            format_share(t.count.share),
            *(format_cost(name, study.cost(t, name)) for name in study.watched),
            f"{t.label + ': ' if t.label else ''}{t.architecture.describe()}",
        )
    return table


def confirmed_table(record: StudyRecord) -> Table:
    """Confirmed architectures, the best first."""
    table = Table(
        Column("architecture", words=True),
        Column("seeds", minor=3),
        Column(f"report {record.metric}"),
        Column("spread", minor=2),
        Column("against best by hand"),
    )
    labels = {t.number: t for t in record.trials}
    best = chosen(record.confirmed, SEED)
    for c in by_report(record.confirmed):
        words = name(labels[c.trial]) if c.trial in labels else f"trial {c.trial}"
        gap = c.against(best)
        table.add(
            words + ("" if c.role == FOUND else "  (by hand)"),
            str(len(c.scored)),
            around(c.mean) or "failed",
            score(c.spread),
            gap_words(gap) or "–",
        )
    return table


def comparison_table(rows: list[Row]) -> Table:
    """Compared methods, in the order of what chooses; energy where any was measured."""
    with_energy = any(r.cost.get("step_joules") is not None for r in rows)
    table = Table(
        Column("method", words=True),
        Column("selection", minor=6),
        Column("score"),
        Column("spread", minor=5),
        Column("against the best"),
        Column("deployed"),
        Column("share", minor=8),
        Column("rate", minor=2),
        Column("train", minor=3),
        Column("memory", minor=4),
        Column("batch 1", minor=9),
        Column("batch 32", minor=9),
        *([Column("energy a step", minor=7)] if with_energy else []),
    )
    best = best_row(rows)
    for r in by_selection(rows):
        gap = r.against(best)
        table.add(
            r.name,
            selection_words(r),
            around(r.mean) or r.unscored,
            score(spread(r.scored)),
            gap_words(gap),
            f"{r.count.deployed:,}",
            share(r.count.share),
            "" if r.rate is None else f"× {r.rate:g}",
            "" if r.seconds is None else format_seconds(r.seconds),
            megabytes(r.cost.get("peak_bytes")),
            latency(r.cost, 1),
            latency(r.cost, 32),
            *([energy(r.cost)] if with_energy else []),
        )
    return table


def budgets_table(made: AtBudgets) -> Table:
    """Found against the best by hand at each budget."""
    known = (Column("score"), Column("parameters", minor=1))
    table = Table(
        Column("budget"),
        Column("by hand", words=True),
        *known,
        Column("found", words=True),
        *known,
        Column("found minus by hand"),
        Column("", words=True, minor=2),
    )
    for pair in made.budgets:
        cells = []
        for row in (pair.other, pair.found):
            sizes = ["–"] * 3
            if row is not None:
                sizes = [row.name, around(row.mean), f"{row.count.deployed:,}"]
            cells += sizes
        gap = pair.gap
        table.add(pair.what, *cells, gap_words(gap) or "–", "" if gap is None else gap.sureness)
    return table
