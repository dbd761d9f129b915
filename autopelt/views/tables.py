"""Tables of results for the terminal."""

from rich.table import Table
from rich.text import Text

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
from autopelt.statistics.paired import paired_difference, spread
from autopelt.study.confirmation import FOUND, SEED, chosen
from autopelt.study.objectives import format_cost
from autopelt.study.record import StudyRecord
from autopelt.system.units import format_score, format_seconds, format_share

_WORDS = ("architecture", "method", "by hand", "found", "")
"""Columns of words."""


def front_table(study: StudyRecord) -> Table:
    """The trials of a study's front."""
    plain = all_plain(study)
    names = [study.metric] if plain else ["expected", "observed", "trainings"]
    table = _empty("trial", *names, "parameters", "share", *study.watched, "architecture")
    for t in study.front:
        known = [] if plain else [observed(study, t), str(len(study.trainings_of(t)))]
        table.add_row(
            str(t.number),
            format_score(study.expected(t)),
            *known,
            f"{t.count.deployed:,}",
            format_share(t.count.share),
            *(format_cost(name, study.cost(t, name)) for name in study.watched),
            Text(f"{t.label + ': ' if t.label else ''}{t.architecture.describe()}"),
        )
    return table


def confirmed_table(record: StudyRecord) -> Table:
    """Confirmed architectures, the best first."""
    table = _empty(
        "architecture", "seeds", f"report {record.metric}", "spread", "against best by hand"
    )
    labels = {t.number: t for t in record.trials}
    best = chosen(record.confirmed, SEED)
    for c in sorted(record.confirmed, key=lambda c: -(c.mean.mean if c.mean else -1e9)):
        words = name(labels[c.trial]) if c.trial in labels else f"trial {c.trial}"
        gap = c.against(best) if best is not None and best is not c else None
        table.add_row(
            words + ("" if c.role == FOUND else "  (by hand)"),
            str(len(c.scored)),
            around(c.mean) or "failed",
            score(c.spread),
            gap_words(gap) or "–",
        )
    return table


def comparison_table(rows: list[Row]) -> Table:
    """Compared methods, in the order of what chooses; energy where any was measured."""
    names = ["method", "selection", "score", "spread", "against the best", "deployed", "share"]
    names += ["rate", "train", "memory", "batch 1", "batch 32"]
    with_energy = any(r.cost.get("step_joules") is not None for r in rows)
    table = _empty(*names, *(["energy a step"] if with_energy else []))
    best = best_row(rows)
    for r in by_selection(rows):
        gap = None if best is None or r is best else paired_difference(r.scored, best.scored)
        table.add_row(
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
    names = ("score", "parameters")
    table = _empty("budget", "by hand", *names, "found", *names, "found minus by hand", "")
    for pair in made.budgets:
        cells = []
        for row in (pair.other, pair.found):
            sizes = ["–"] * 3
            if row is not None:
                sizes = [row.name, around(row.mean), f"{row.count.deployed:,}"]
            cells += sizes
        gap = pair.gap
        table.add_row(pair.what, *cells, gap_words(gap) or "–", "" if gap is None else gap.sureness)
    return table


def _empty(*columns: str) -> Table:
    """A table without rows: numbers to the right, words to the left."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="left" if column in _WORDS else "right")
    return table
