"""What `autopelt compare` does, once its flags are parsed."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from autopelt.architecture.budget import Budget
from autopelt.cards.comparison_rows import (
    Row,
    at_the_end,
    best_row,
    by_selection,
    collapses,
    energy,
    latency,
    learned_nothing,
    megabytes,
)
from autopelt.cards.wording import around, gap_words, score, share
from autopelt.errors import UnexpectedEndError, UsageError
from autopelt.statistics.paired import paired_difference, spread
from autopelt.system.lock import locked
from autopelt.system.signals import Stopped
from autopelt.system.units import format_seconds
from autopelt.workflows.compare import RATES, Comparison, find_methods
from autopelt.workflows.settings import resolve_config


def run_compare(
    command: str,
    *,
    methods: str,
    seeds: int,
    rates: str | None,
    rate_seeds: int,
    budget: str | None,
    out: str | None,
    **flags: Any,
) -> None:
    """Compare methods and print the table; `flags` are those of every study."""
    config = resolve_config(None, flags)
    limit = None if budget is None else Budget.parse(budget)
    names = [name.strip() for name in methods.split(",") if name.strip()]
    found = find_methods(names, config, limit)
    task = flags.get("task") or "task"
    folder = Path(out) if out else Path("reports") / f"compare-{Path(task).stem}"
    console = Console(soft_wrap=True, highlight=False, markup=False)
    comparison = Comparison(folder, config, tuple(found), seeds, _rates(rates), command, rate_seeds)
    with locked(folder):
        try:
            comparison.run(console.print)
        except Stopped:
            raise UnexpectedEndError(
                f"stopped; nothing is lost. The same command with --out {folder} goes on."
            ) from None
    console.print()
    rows = comparison.rows()
    Console(width=max(176, console.width)).print(terminal_table(rows))
    for words in (learned_nothing(rows), collapses(rows), at_the_end(rows)):
        if words:
            console.print(f"\n{words}")
    console.print(f"\nReport: {folder / 'index.html'}\nTable:  {folder / 'table.csv'}")


def _rates(text: str | None) -> tuple[float, ...]:
    if text is None:
        return RATES
    try:
        return tuple(dict.fromkeys(float(part) for part in text.split(",") if part.strip()))
    except ValueError:
        raise UsageError(f"--rates '{text}' must be factors, like 0.5,1,2.") from None


def terminal_table(rows: list[Row]) -> Table:
    """The table for the terminal, in the order of what chooses; energy where any was measured."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    names = ["method", "selection", "score", "spread", "against the best", "deployed", "share"]
    names += ["rate", "train", "memory", "batch 1", "batch 32"]
    with_energy = any(r.cost.get("step_joules") is not None for r in rows)
    for column in (*names, *(["energy a step"] if with_energy else [])):
        made.add_column(column, justify="left" if column == "method" else "right")
    best = best_row(rows)
    for r in by_selection(rows):
        gap = None if best is None or r is best else paired_difference(r.scored, best.scored)
        made.add_row(
            r.name,
            score(r.selection),
            around(r.mean) or f"failed: {r.reason}",
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
    return made
