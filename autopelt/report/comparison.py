"""The page of a comparison: one table, score against parameters, score against time."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from autopelt.cards.card import Card, Command, Figure, Table, cell, table
from autopelt.cards.card import Row as TableRow
from autopelt.cards.comparison_rows import (
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
)
from autopelt.cards.figure import axis, layout, padded, plain, short
from autopelt.cards.wording import around, backbone_name, gap_words, plural, score, share
from autopelt.report.comparison_csv import comparison_csv
from autopelt.report.page import render, study_values, trial_values, write_page
from autopelt.statistics.paired import paired_difference, spread
from autopelt.study.record import StudyRecord
from autopelt.system.units import format_seconds

CONSTANT = {
    **{"type": "line", "layer": "below", "xref": "paper", "x0": 0, "x1": 1},
    "line": {"color": "--muted", "width": 1.2, "dash": "dash"},
}
"""A level line across a figure."""


def write_comparison(record: StudyRecord, rows: Sequence[Row], folder: Path) -> Path:
    """Write ``index.html`` and ``table.csv`` and return the page's path."""
    write_page(folder / "table.csv", comparison_csv(rows))
    cards = [table_card(record, rows)]
    if any(r.scored for r in rows):
        cards += [parameters_card(record, rows), time_card(record, rows)]
    cards.append(protocol_card(record, rows))
    done = sum(bool(r.scored) for r in rows)
    words = f"{record.task.name or 'task'} on {backbone_name(record)} · " + plural(
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
    named = [{"title": r.name, "remark": "" if r.scored else "failed"} for r in rows]
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
        equal = [
            r.name
            for r in rows
            if r is not best
            and (gap := paired_difference(r.scored, best.scored)) is not None
            and gap.within_noise
        ]
        lead = (
            f"{best.name} is best on the selection split and reaches {around(mean)} "
            f"{record.metric} on the report split with {share(best.count.share)} of the backbone"
        )
        lead += f"; within the noise of it: {', '.join(equal)}." if equal else "."
        lead += f" {words}" if (words := learned_nothing(rows)) else ""
    shown = replace(numbers(rows, best), folded="")
    note = (
        "The rows are in the order of their mean selection scores, which choose. "
        f"Scores: {record.metric} on the report split, mean over fresh random seeds with a 95% "
        "interval (over seeds and examples); spread: standard deviation over random seeds. Against "
        "the best: paired over the same seeds and examples. Every method's learning rates were "
        "multiplied by the factor that the selection split preferred, out of the same few."
    )
    note = " ".join(words for words in (collapses(rows), at_the_end(rows), note) if words)
    return Card("table", "Methods", lead, table=shown, note=note)


def numbers(rows: Sequence[Row], best: Row | None) -> Table:
    """The table of the scores."""
    names = (
        *("Method", "Selection", "Score", "Spread", "Against the best"),
        *("Deployed", "Share", "Rate"),
    )
    made = []
    places = {r.name: number for number, r in enumerate(rows)}
    for r in by_selection(rows):
        mean = r.mean
        gap = None if best is None or r is best else paired_difference(r.scored, best.scored)
        made.append(
            TableRow(
                (
                    cell(r.name + (f"\n{r.reason}" if r.reason else ""), r.name),
                    cell(score(r.selection), r.selection),
                    cell(around(mean), None if mean is None else mean.mean),
                    cell(score(spread(r.scored)), spread(r.scored)),
                    cell(gap_words(gap), None if gap is None else gap.mean),
                    cell(f"{r.count.deployed:,}", r.count.deployed),
                    cell(share(r.count.share), r.count.share),
                    cell("" if r.rate is None else f"× {r.rate:g}", r.rate),
                ),
                trial=places[r.name],
            )
        )
    return table(names, made, names[1:])


def cost_numbers(rows: Sequence[Row]) -> Table:
    """The table of what was measured beside the score."""
    names = (
        *("Method", "Trained", "To chosen epoch", "A step", "Energy a step", "Peak memory"),
        *("Batch 1", "Batch 32"),
    )
    places = {r.name: number for number, r in enumerate(rows)}
    made = []
    for r in by_selection(rows):
        cost = r.cost
        made.append(
            TableRow(
                (
                    cell(r.name, r.name),
                    cell(f"{r.count.trained:,}", r.count.trained),
                    cell("" if r.seconds is None else format_seconds(r.seconds), r.seconds),
                    cell(milliseconds(cost.get("step_seconds")), cost.get("step_seconds")),
                    cell(energy(cost), cost.get("step_joules")),
                    cell(megabytes(cost.get("peak_bytes")), cost.get("peak_bytes")),
                    cell(latency(cost, 1), cost.get("latency_1")),
                    cell(latency(cost, 32), cost.get("latency_32")),
                ),
                trial=places[r.name],
            )
        )
    return table(names, made, names[1:])


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
    return Card("parameters", "Score against parameters", lead, figures=(figure,), note=note)


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
    if not figures:
        return Card("time", "Score against time", "Nothing is measured yet.")
    note = (
        "Every method was measured alone: its training steps, and the latency of its deployed form "
        "(median; prefixes folded, LoRA without a gate merged) in turn with the bare backbone, of "
        "which it is so many times. Seconds depend on what else the machine does, these ratios "
        "hardly. Trained: parameters, with the networks that are folded away. Energy is of the "
        "whole chip, idle part included."
    )
    shown = replace(cost_numbers(rows), folded="")
    return Card("time", "Score against time", lead, figures=tuple(figures), table=shown, note=note)


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
    ends = [e for _, _, m in known for e in (m.mean, m.low, m.high) if e is not None]
    if (constant := constant_of([r for r, _, _ in known])) is not None:
        ends.append(constant)
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [x for _, x, _ in known],
            "y": [m.mean for _, _, m in known],
            "error_y": {
                "type": "data",
                "array": [m.half or 0.0 for _, _, m in known],
                "color": "--blue",
                "thickness": 1.4,
                "width": 4,
            },
            "marker": {"symbol": "circle", "size": 10, "color": "--blue"},
            "customdata": [numbers[r.name] for r, _, _ in known],
            "hoverinfo": "text",
            "hovertext": [
                f"<b>{plain(r.name)}</b><br>{plain(record.metric)} {around(m)}<br>"
                f"{r.count.deployed:,} parameters"
                for r, _, m in known
            ],
            "cliponaxis": False,
        }
    ]
    at = [math.log10(x) if log else x for _, x, _ in known]
    margin = 0.25 if log else 0.05
    ends_of_x = [min(at) - margin, max(at) + margin]
    x = axis(x_words, type="log" if log else "linear", range=ends_of_x)
    shown = layout(x, axis(range=padded(ends, 0.12)), f"report {record.metric}")
    if constant is not None:
        shown["shapes"] = [CONSTANT | {"y0": constant, "y1": constant}]
    # The page places what fits, the best first.
    shown["meta"] = {
        "labels": [
            {"x": x, "y": m.mean, "text": short(r.name)}
            for r, x, m in sorted(known, key=lambda k: -k[2].mean)
        ]
    }
    words = f"Scatter of report {record.metric} against {x_words}"
    legend = () if constant is None else (("dash", "--muted", "the best constant answer"),)
    return Figure(key, words, data, shown, height=420, heading=heading, legend=legend)


def protocol_card(record: StudyRecord, rows: Sequence[Row]) -> Card:
    """How it was made."""
    devices = sorted({str(r.cost["device"]) for r in rows if r.cost.get("device")})
    sizes = [f"{split} {size:,}" for split, size in record.task.sizes.items() if size]
    packages = ", ".join(f"{k} {v}" for k, v in record.versions.items())
    return Card(
        "protocol",
        "Protocol",
        f"Examples: {', '.join(sizes)}. Every method got the same trainings: one for each learning "
        "rate of the grid, then the same random seeds at the rate chosen.",
        commands=(Command("The command that made this comparison", record.command),),
        note=f"Measured on: {', '.join(devices) or 'not measured'}. {packages}.",
    )
