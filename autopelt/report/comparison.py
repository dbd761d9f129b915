"""The page of a comparison: one table, score against parameters, score against time."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autopelt.cards.at_budgets import AtBudgets
from autopelt.cards.card import Card, Command, Figure, Table, cell, table
from autopelt.cards.comparison_rows import (
    LEFT_OUT,
    Row,
    at_the_end,
    best_row,
    by_selection,
    collapses,
    constant_of,
    energy,
    latency,
    learned_nothing,
    megabytes,
    milliseconds,
    selection_words,
)
from autopelt.cards.figure import add_points, dashed, error_bars, padded, plain, plot, short
from autopelt.cards.look import BLUE, MUTED, Look
from autopelt.cards.wording import around, gap_words, plural, score, share
from autopelt.report.comparison_budgets import budgets_card
from autopelt.report.comparison_csv import budgets_csv, comparison_csv
from autopelt.report.page import render, study_values, trial_values, write_page
from autopelt.statistics.paired import spread
from autopelt.study.record import StudyRecord
from autopelt.system.units import format_seconds


def write_comparison(
    record: StudyRecord, rows: Sequence[Row], folder: Path, made: AtBudgets | None = None
) -> Path:
    """Write ``index.html`` and ``table.csv`` and return the page's path.

    Args:
        made: what it says of several budgets, with a card and ``budgets.csv`` of its own.
    """
    write_page(folder / "table.csv", comparison_csv(rows))
    cards = [table_card(record, rows)]
    if made is not None:
        write_page(folder / "budgets.csv", budgets_csv(made))
        cards = [budgets_card(record, made), *cards]
    if any(r.scored for r in rows):
        cards += [parameters_card(record, rows), time_card(record, rows)]
    cards.append(protocol_card(record, rows))
    done = sum(bool(r.scored) or r.left_out for r in rows)
    words = f"{record.task.name or 'task'} on {record.backbone.short_name} · " + plural(
        len(rows), "method"
    )
    open_words = "" if done == len(rows) else f"{done} of {len(rows)} methods have a score so far."
    values = panel_values(record, rows, cards)
    text = render(record.name, "autopelt comparison", words, cards, values, open_words)
    return write_page(folder / "index.html", text)


def panel_values(record: StudyRecord, rows: Sequence[Row], cards: Sequence[Card]) -> dict[str, Any]:
    """What the page's script knows; the panel shows methods, first the one that is preferred.

    A trial of the record is a row, at the same place.
    """
    best = best_row(rows)
    named = [
        {"title": r.name, "remark": "" if r.scored else LEFT_OUT if r.left_out else "failed"}
        for r in rows
    ]
    trials = [
        trial_values(t, record, on_front=False) | own
        for t, own in zip(record.trials, named, strict=True)
    ]
    return study_values(record, cards) | {
        "metric": f"report {record.metric}",
        "best": None if best is None else list(rows).index(best),
        "best_words": "preferred by the selection split",
        "trials": trials,
    }


def table_card(record: StudyRecord, rows: Sequence[Row]) -> Card:
    """All numbers of all methods."""
    best = best_row(rows)
    lead = "No training has ended yet."
    if best is not None and (mean := best.mean) is not None:
        equal = [r.name for r in rows if (gap := r.against(best)) is not None and gap.within_noise]
        lead = (
            f"{best.name} is best on the selection split and reaches {around(mean)} "
            f"{record.metric} on the report split with {share(best.count.share)} of the backbone"
        )
        lead += f"; within the noise of it: {', '.join(equal)}." if equal else "."
        lead += f" {words}" if (words := learned_nothing(rows)) else ""
    note = (
        "The rows are in the order of their mean selection scores, which choose. "
        f"Scores: {record.metric} on the report split, mean over fresh random seeds with a 95% "
        "interval (over seeds and examples); spread: standard deviation over random seeds. Against "
        "the best: paired over the same seeds and examples. Every method's learning rates were "
        "multiplied by the factor that the selection split preferred, out of the same few and "
        "those beyond an end that was the best."
    )
    if any(r.left_out for r in rows):
        note += (
            " A selection score in brackets is of the trainings that chose the rate: these methods "
            "were not trained further, as others of their budget were ahead."
        )
    note = " ".join(words for words in (collapses(rows), at_the_end(rows), note) if words)
    return Card(lead, table=numbers(rows, best), note=note, key="table", title="Methods")


def numbers(rows: Sequence[Row], best: Row | None) -> Table | None:
    """The table of the scores."""
    made = []
    for place, r in _placed(rows):
        mean = r.mean
        gap = r.against(best)
        cells = {
            "Method": cell(r.name + (f"\n{r.reason}" if r.reason else ""), r.name),
            "Selection": cell(selection_words(r), r.swept if r.selection is None else r.selection),
            "Score": cell(around(mean) or r.unscored, None if mean is None else mean.mean),
            "Spread": cell(score(spread(r.scored)), spread(r.scored)),
            "Against the best": cell(gap_words(gap), None if gap is None else gap.mean),
            "Deployed": cell(f"{r.count.deployed:,}", r.count.deployed),
            "Share": cell(share(r.count.share), r.count.share),
            "Rate": cell("" if r.rate is None else f"× {r.rate:g}", r.rate),
        }
        made.append((place, cells))
    return table(made, folded="")


def cost_numbers(rows: Sequence[Row]) -> Table | None:
    """The table of what was measured beside the score."""
    made = []
    for place, r in _placed(rows):
        cost = r.cost
        cells = {
            "Method": cell(r.name),
            "Trained": cell(f"{r.count.trained:,}", r.count.trained),
            "To chosen epoch": cell(r.seconds and format_seconds(r.seconds), r.seconds),
            "A step": cell(milliseconds(cost.get("step_seconds")), cost.get("step_seconds")),
            "Energy a step": cell(energy(cost), cost.get("step_joules")),
            "Peak memory": cell(megabytes(cost.get("peak_bytes")), cost.get("peak_bytes")),
            "Batch 1": cell(latency(cost, 1), cost.get("latency_1")),
            "Batch 32": cell(latency(cost, 32), cost.get("latency_32")),
        }
        made.append((place, cells))
    return table(made, folded="")


def _placed(rows: Sequence[Row]) -> list[tuple[int, Row]]:
    """Rows by selection, each with its place among all: the number of its trial in the page."""
    places = {r.name: number for number, r in enumerate(rows)}
    return [(places[r.name], r) for r in by_selection(rows)]


def parameters_card(record: StudyRecord, rows: Sequence[Row]) -> Card:
    """Score against deployed parameters."""
    sizes = [r.count.share * 100 for r in rows if r.count.deployed]
    zero = min(sizes, default=1.0) / 10**0.5
    places = [(r, r.count.share * 100 if r.count.deployed else zero) for r in rows]
    figure = scatter("parameters", record, places, "deployed, % of the backbone (log)")
    lead = "Mean score on the report split against what is shipped; bars are 95% intervals."
    note = (
        "A method without any parameters is drawn at the left edge."
        if len(sizes) < len(rows)
        else ""
    )
    title = "Score against parameters"
    return Card(lead, figures=(figure,), note=note, key="parameters", title=title)


def time_card(record: StudyRecord, rows: Sequence[Row]) -> Card:
    """Score against training time and against latency."""
    trained = [(r, r.seconds) for r in rows if r.seconds]
    # The ratio: the machine may be slower while one method is measured than while another is.
    used = [(r, r.cost["times_bare_1"]) for r in rows if r.cost.get("times_bare_1")]
    figures = []
    if trained:
        words = "seconds to the chosen epoch (log)"
        figures.append(scatter("time", record, trained, words, "Training"))
    if used:
        words = "latency, times the bare backbone's"
        figures.append(scatter("latency", record, used, words, "Inference", log=False))
    lead = "Mean score on the report split against training time and inference latency."
    title = "Score against time"
    if not figures:
        return Card("Nothing is measured yet.", key="time", title=title)
    note = (
        "Every method was measured alone: its training steps, and the latency of its deployed form "
        "(median; prefixes folded, LoRA without a gate merged) in turn with the bare backbone, of "
        "which it is so many times. Seconds depend on what else the machine does, these ratios "
        "hardly. Trained: parameters, with the networks that are folded away. Energy is of the "
        "whole chip, idle part included."
    )
    shown = cost_numbers(rows)
    return Card(lead, figures=tuple(figures), table=shown, note=note, key="time", title=title)


def scatter(
    key: str,
    record: StudyRecord,
    places: Sequence[tuple[Row, float]],
    x_words: str,
    heading: str = "",
    *,
    log: bool = True,
) -> Figure:
    """Named points with error bars."""
    known = [(r, x, m) for r, x in places if (m := r.mean) is not None]
    numbers = {t.label: t.number for t in record.trials}
    # The page places the labels that fit, the best first.
    best_first = sorted(known, key=lambda k: -k[2].mean)
    labels = [{"x": x, "y": m.mean, "text": short(r.name)} for r, x, m in best_first]
    figure = plot(f"report {record.metric}", labels=labels)
    points = [
        (
            numbers[r.name],
            x,
            m.mean,
            f"<b>{plain(r.name)}</b><br>{plain(record.metric)} {around(m)}<br>"
            f"{r.count.deployed:,} parameters",
        )
        for r, x, m in known
    ]
    bars = error_bars([m.half or 0.0 for _, _, m in known], BLUE)
    add_points(figure, Look("", "circle", BLUE, edge=0), points, error_y=bars)
    ends = [e for _, _, m in known for e in (m.mean, m.low, m.high) if e is not None]
    legend: tuple[tuple[str, str, str], ...] = ()
    if (constant := constant_of([r for r, _, _ in known])) is not None:
        ends.append(constant)
        figure.add_hline(constant, line=dashed(MUTED), layer="below")
        legend = (("dash", MUTED, "the best constant answer"),)
    at = [math.log10(x) if log else x for _, x, _ in known]
    margin = 0.25 if log else 0.05
    figure.update_xaxes(
        title_text=x_words,
        type="log" if log else "linear",
        range=[min(at) - margin, max(at) + margin],
    )
    figure.update_yaxes(range=padded(ends, 0.12))
    words = f"Scatter of report {record.metric} against {x_words}"
    return Figure(key, words, figure, height=420, heading=heading, legend=legend)


def protocol_card(record: StudyRecord, rows: Sequence[Row]) -> Card:
    """How it was made."""
    devices = sorted({str(r.cost["device"]) for r in rows if r.cost.get("device")})
    sizes = [f"{split} {size:,}" for split, size in record.task.sizes.items() if size]
    packages = ", ".join(f"{k} {v}" for k, v in record.versions.items())
    return Card(
        f"Examples: {', '.join(sizes)}. Every method got the same trainings: one for each learning "
        "rate of the grid, then the same random seeds at the rate chosen.",
        commands=(Command("The command that made this comparison", record.command),),
        note=f"Measured on: {', '.join(devices) or 'not measured'}. {packages}.",
        key="protocol",
        title="Protocol",
    )
