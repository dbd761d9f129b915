"""A comparison as CSV: all methods, and what it says of several budgets."""

import csv
import io
import json
from collections.abc import Sequence

from autopelt.cards.at_budgets import AtBudgets
from autopelt.cards.comparison_rows import Row, best_row, by_selection
from autopelt.statistics.paired import Difference, paired_difference, spread

COLUMNS = (
    *("method", "selection", "score", "interval_low", "interval_high", "spread", "random_seeds"),
    *("difference_to_best", "difference_low", "difference_high"),
    *("above_constant", "above_constant_low", "above_constant_high"),
    *("deployed", "trained", "share", "learning_rate_factor", "epoch"),
    *("seconds_to_epoch", "seconds_a_step", "joules_a_step", "peak_bytes"),
    *("latency_1", "latency_32", "times_bare_1", "times_bare_32"),
    *("tokens", "device", "reason", "id", "architecture"),
    *("role", "within", "swept", "metrics"),
)

BUDGETS = (
    "what",
    *(
        f"{role}_{column}"
        for role in ("found", "other")
        for column in ("method", "score", "low", "high", "deployed", "share", "times_bare_1", "id")
    ),
    *("difference", "difference_low", "difference_high", "sureness"),
    *("parameters_ratio", "latency_ratio", "reference", "margin"),
)


def comparison_csv(rows: Sequence[Row]) -> str:
    """One line a method, plain numbers; those first that the selection split prefers."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    best = best_row(rows)
    for r in by_selection(rows):
        mean, cost = r.mean, r.cost
        gap = None if best is None else paired_difference(r.scored, best.scored)
        writer.writerow(
            (
                *(r.name, r.selection),
                *(*_ends(mean), spread(r.scored), len(r.scored)),
                *_ends(gap),
                *_ends(r.above_constant),
                *(r.count.deployed, r.count.trained, f"{r.count.share:.8g}", r.rate, r.epoch),
                *(r.seconds, cost.get("step_seconds"), cost.get("step_joules")),
                cost.get("peak_bytes"),
                *(cost.get("latency_1"), cost.get("latency_32")),
                *(cost.get("times_bare_1"), cost.get("times_bare_32")),
                *(cost.get("tokens"), cost.get("device"), r.reason),
                *(r.architecture.id, r.architecture.describe()),
                *(r.role, " ".join(r.within), r.swept),
                json.dumps(r.metrics) if r.metrics else "",
            )
        )
    return out.getvalue()


def budgets_csv(made: AtBudgets) -> str:
    """One line a pair: each budget (the other is the best by hand), then ``smallest``, ``fastest``.

    These are the rows as good as the reference; of ``full`` the other is full fine-tuning.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(BUDGETS)
    reference = "" if made.reference is None else made.reference.name
    for pair in made.pairs:
        sides: list[object] = []
        for r in (pair.found, pair.other):
            sides += [None] * 8 if r is None else [
                *(r.name, *_ends(r.mean), r.count.deployed, f"{r.count.share:.8g}"),
                *(r.cost.get("times_bare_1"), r.architecture.id),
            ]  # fmt: skip
        writer.writerow(
            (
                *(pair.what, *sides, *_ends(pair.gap)),
                "" if pair.gap is None else pair.gap.sureness,
                *(pair.parameters, pair.latency, reference, made.margin),
            )
        )
    return out.getvalue()


def _ends(mean: Difference | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if mean is None else (mean.mean, mean.low, mean.high)
