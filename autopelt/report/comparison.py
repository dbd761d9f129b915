"""The page of a comparison: one table, score against parameters, score against time; and as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autopelt.architecture import Architecture
from autopelt.budget import Count
from autopelt.confirmation import Training, above_constant, constant_score, scored
from autopelt.paired import Difference, Scored, mean_and_interval, paired_difference, spread
from autopelt.quantities import format_seconds
from autopelt.records import StudyRecord
from autopelt.report.card import Card, Command, Figure, Table, cell, table
from autopelt.report.card import Row as TableRow
from autopelt.report.figure import axis, layout, padded, plain, short
from autopelt.report.page import render, study_values, write_page
from autopelt.report.wording import backbone_name, difference, plural, score, share

COLUMNS = (
    *("method", "score", "interval_low", "interval_high", "spread", "random_seeds"),
    *("difference_to_best", "difference_low", "difference_high"),
    *("above_constant", "above_constant_low", "above_constant_high"),
    *("deployed", "trained", "share", "learning_rate_factor", "epoch"),
    *("seconds_to_epoch", "seconds_a_step", "joules_a_step", "peak_bytes"),
    *("latency_1", "latency_32", "times_bare_1", "times_bare_32"),
    *("tokens", "device", "reason", "id", "architecture"),
)


CONSTANT = {
    **{"type": "line", "layer": "below", "xref": "paper", "x0": 0, "x1": 1},
    "line": {"color": "--muted", "width": 1.2, "dash": "dash"},
}
"""A level line across a figure."""


@dataclass(frozen=True)
class Row:
    """One method.

    Attributes:
        rate: factor on its learning rates that the selection split chose; None if none worked.
        trainings: one for each random seed so far.
        cost: what `autopelt.measure` found; empty where not measured yet.
        reason: why something of it failed, or "".
        rates: factors that the rate was chosen from.
    """

    name: str
    architecture: Architecture
    count: Count
    rate: float | None
    trainings: tuple[Training, ...]
    cost: Mapping[str, Any]
    reason: str = ""
    rates: tuple[float, ...] = ()

    @property
    def scored(self) -> tuple[Scored, ...]:
        """Trainings with a score on the report split."""
        return scored(self.trainings)

    @property
    def mean(self) -> Difference | None:
        """Mean report score and its interval."""
        return mean_and_interval(self.scored)

    @property
    def above_constant(self) -> Difference | None:
        """Mean report score minus the best constant answer's; None where there is none."""
        return above_constant(self.trainings)

    @property
    def selection(self) -> float:
        """Mean selection score; minus infinity without any."""
        known = [t.selection for t in self.trainings if t.selection is not None]
        return sum(known) / len(known) if known else -math.inf

    @property
    def epoch(self) -> float | None:
        """Mean of the chosen epochs."""
        known = [t.epoch for t in self.trainings if t.score is not None]
        return sum(known) / len(known) if known else None

    @property
    def seconds(self) -> float | None:
        """Training to the chosen epoch: its steps times the seconds of one, measured alone."""
        if self.epoch is None or "step_seconds" not in self.cost:
            return None
        steps = self.epoch * float(self.cost["steps_an_epoch"])
        return steps * float(self.cost["step_seconds"])


def best_row(rows: Sequence[Row]) -> Row | None:
    """The row that the selection split prefers; the report split does not choose."""
    known = [r for r in rows if r.scored]
    return max(known, key=lambda r: r.selection, default=None)


def write_comparison(record: StudyRecord, rows: Sequence[Row], folder: Path) -> Path:
    """Write ``index.html`` and ``table.csv`` and return the page's path."""
    write_page(folder / "table.csv", comparison_csv(rows))
    cards = [table_card(record, rows)]
    if any(r.scored for r in rows):
        cards += [parameters_card(record, rows), time_card(record, rows)]
    cards.append(protocol_card(record, rows))
    done = sum(bool(r.scored) for r in rows)
    words = f"{record.task.get('name', 'task')} on {backbone_name(record)} · " + plural(
        len(rows), "method"
    )
    open_words = "" if done == len(rows) else f"{done} of {len(rows)} methods have a score so far."
    text = render(
        record.name, "autopelt comparison", words, cards, study_values(record, cards), open_words
    )
    return write_page(folder / "index.html", text)


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
        f"Scores: {record.metric} on the report split, mean over fresh random seeds with a 95% "
        "interval (over seeds and examples); spread: standard deviation over random seeds. Against "
        "the best: paired over the same seeds and examples. Every method's learning rates were "
        "multiplied by the factor that the selection split preferred, out of the same few. Time, "
        "memory and latency were measured alone, latency of the deployed form (median; prefixes "
        "folded, LoRA without a gate merged) in turn with the bare backbone, of which it is so "
        "many times. Energy is of the whole chip, idle part included."
    )
    if words := at_the_end(rows):
        note = f"{words} {note}"
    return Card("table", "Methods", lead, table=shown, note=note)


def constant_of(rows: Sequence[Row]) -> float | None:
    """What the best constant answer scores on the report split."""
    return next((c for r in rows if (c := constant_score(r.trainings)) is not None), None)


def learned_nothing(rows: Sequence[Row]) -> str:
    """A sentence on rows that are not surely above a constant answer; "" without any."""
    known = [(r, gap) for r in rows if (gap := r.above_constant) is not None]
    below = [r.name for r, gap in known if gap.low is not None and gap.low <= 0]
    if not below:
        return ""
    what = f"the best constant answer ({score(constant_of(rows))})"
    if len(below) == len(known):
        return f"No method is surely above {what}: perhaps nothing was learned."
    return f"Not surely above {what}: {', '.join(below)}."


def numbers(rows: Sequence[Row], best: Row | None) -> Table:
    """The table of the page."""
    names = (
        *("Method", "Score", "Spread", "Against the best", "Deployed", "Trained", "Share", "Rate"),
        *("To chosen epoch", "A step", "Energy a step", "Peak memory", "Batch 1", "Batch 32"),
    )
    made = []
    for number, r in enumerate(rows):
        mean, cost = r.mean, r.cost
        gap = None if best is None or r is best else paired_difference(r.scored, best.scored)
        made.append(
            TableRow(
                (
                    cell(r.name + (f"\n{r.reason}" if r.reason else ""), r.name),
                    cell(around(mean), None if mean is None else mean.mean),
                    cell(score(spread(r.scored)), spread(r.scored)),
                    cell(gap_words(gap), None if gap is None else gap.mean),
                    cell(f"{r.count.deployed:,}", r.count.deployed),
                    cell(f"{r.count.trained:,}", r.count.trained),
                    cell(share(r.count.share), r.count.share),
                    cell("" if r.rate is None else f"× {r.rate:g}", r.rate),
                    cell("" if r.seconds is None else format_seconds(r.seconds), r.seconds),
                    cell(milliseconds(cost.get("step_seconds")), cost.get("step_seconds")),
                    cell(energy(cost), cost.get("step_joules")),
                    cell(megabytes(cost.get("peak_bytes")), cost.get("peak_bytes")),
                    cell(latency(cost, 1), cost.get("latency_1")),
                    cell(latency(cost, 32), cost.get("latency_32")),
                ),
                trial=number,
            )
        )
    return table(names, made, names[1:])


def gap_words(gap: Difference | None) -> str:
    """``−0.012 [−0.031, +0.007]``."""
    if gap is None:
        return ""
    if gap.low is None or gap.high is None:
        return difference(gap.mean)
    return f"{difference(gap.mean)} [{difference(gap.low)}, {difference(gap.high)}]"


def around(mean: Difference | None) -> str:
    """``0.671 ± 0.020``."""
    if mean is None:
        return ""
    return score(mean.mean) + ("" if mean.half is None else f" ± {score(mean.half)}")


def milliseconds(seconds: float | None) -> str:
    """``12.3 ms``, ``1,510 ms``; "" for what is not measured."""
    if not seconds:
        return ""
    return f"{seconds * 1e3:,.0f} ms" if seconds >= 0.1 else f"{seconds * 1e3:.3g} ms"


def latency(cost: Mapping[str, Any], size: int) -> str:
    """``12.3 ms, × 1.18``: of a batch, and how many times the bare backbone's."""
    words, times = milliseconds(cost.get(f"latency_{size}")), cost.get(f"times_bare_{size}")
    return words if not words or times is None else f"{words}, × {times:.2f}"


def at_the_end(rows: Sequence[Row]) -> str:
    """A sentence on rows whose rate is the lowest or highest that was tried; "" without any.

    Of two rates each is an end, so nothing is said of those that chose the one nearer to 1.
    """
    found: dict[float, list[str]] = {}
    for r in rows:
        if r.rate is None or len(r.rates) < 2:
            continue
        nearest = min(r.rates, key=lambda rate: abs(math.log(rate)))
        if r.rate != nearest and r.rate in (min(r.rates), max(r.rates)):
            found.setdefault(r.rate, []).append(r.name)
    if not found:
        return ""
    named = "; ".join(f"× {rate:g} of {', '.join(found[rate])}" for rate in sorted(found))
    return (
        f"The best rate is at the end of what was tried: {named}. More --rates beyond it may do "
        "better for these."
    )


def megabytes(count: int | None) -> str:
    """``812 MB``."""
    return "" if not count else f"{count / 1e6:,.0f} MB"


def energy(cost: Mapping[str, Any]) -> str:
    """Joules, or that the machine does not tell."""
    if not cost or "reason" in cost:
        return ""
    joules = cost.get("step_joules")
    return "not measured" if joules is None else f"{joules:.3g} J"


def parameters_card(record: StudyRecord, rows: Sequence[Row]) -> Card:
    """Score against deployed parameters."""
    sizes = [r.count.share * 100 for r in rows if r.count.deployed]
    zero = min(sizes, default=1.0) / 10**0.5
    places = [(r, r.count.share * 100 if r.count.deployed else zero) for r in rows]
    figure = scatter(
        "parameters", record, places, "deployed parameters, share of the backbone in % (log)"
    )
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
    used = [(r, r.cost["latency_1"] * 1e3) for r in rows if r.cost.get("latency_1")]
    figures = []
    if trained:
        words = "seconds of training to the chosen epoch (log)"
        figures.append(scatter("time", record, trained, words, "Training"))
    if used:
        words = "milliseconds for one example (log)"
        figures.append(scatter("latency", record, used, words, "Inference"))
    lead = "Mean score on the report split against training time and inference latency."
    if not figures:
        lead = "Nothing is measured yet."
    return Card("time", "Score against time", lead, figures=tuple(figures))


def scatter(
    key: str,
    record: StudyRecord,
    places: Sequence[tuple[Row, float]],
    x_words: str,
    heading: str = "",
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
    logs = [math.log10(x) for _, x, _ in known]
    x = axis(x_words, type="log", range=[min(logs) - 0.25, max(logs) + 0.25])
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
    sizes = [
        f"{s} {record.task[s]:,}" for s in ("train", "selection", "report") if record.task.get(s)
    ]
    packages = ", ".join(f"{k} {v}" for k, v in record.versions.items())
    return Card(
        "protocol",
        "Protocol",
        f"Examples: {', '.join(sizes)}. Every method got the same trainings: one for each learning "
        "rate of the grid, then the same random seeds at the rate chosen.",
        commands=(Command("The command that made this comparison", record.command),),
        note=f"Measured on: {', '.join(devices) or 'not measured'}. {packages}.",
    )


def comparison_csv(rows: Sequence[Row]) -> str:
    """One line a method, plain numbers."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    best = best_row(rows)
    for r in rows:
        mean, cost = r.mean, r.cost
        gap = None if best is None else paired_difference(r.scored, best.scored)
        writer.writerow(
            (
                *(r.name, *_ends(mean), spread(r.scored), len(r.scored), *_ends(gap)),
                *_ends(r.above_constant),
                *(r.count.deployed, r.count.trained, f"{r.count.share:.8g}", r.rate, r.epoch),
                *(r.seconds, cost.get("step_seconds"), cost.get("step_joules")),
                cost.get("peak_bytes"),
                *(cost.get("latency_1"), cost.get("latency_32")),
                *(cost.get("times_bare_1"), cost.get("times_bare_32")),
                *(cost.get("tokens"), cost.get("device"), r.reason),
                *(r.architecture.id, r.architecture.describe()),
            )
        )
    return out.getvalue()


def _ends(mean: Difference | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if mean is None else (mean.mean, mean.low, mean.high)
