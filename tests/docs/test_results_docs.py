"""The tables of docs/results.md cannot go stale: they are made here, of the recorded comparisons.

To write them anew: AUTOPELT_WRITE_DOCS=1 pytest tests/docs/test_results_docs.py
"""

import csv
import os
from pathlib import Path

from docs_table import markdown, table_of
from gain_figure import gain_figure

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "results.md"


def comparisons():
    """Of every comparison at several budgets in reports/ its pairs by what they are of."""
    made = {}
    for path in sorted((ROOT / "reports").glob("compare-*/budgets.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            made[path.parent.name.removeprefix("compare-")] = {
                row["what"]: row for row in csv.DictReader(file)
            }
    return made


def side(row, role):
    if not row[f"{role}_method"]:
        return "none"
    size = int(row[f"{role}_deployed"])
    return f"{float(row[f'{role}_score']):.3f} ({size:,})"


def gap(row):
    if not row["difference"]:
        return "-"
    ends = [f"{float(row[f'difference{end}']):+.3f}" for end in ("", "_low", "_high")]
    if row["found_id"] == row["other_id"]:
        return "the same"
    words = f"{ends[0]} [{ends[1]}, {ends[2]}]"
    sure = float(row["difference_low"]) > 0 or float(row["difference_high"]) < 0
    return f"**{words}**" if sure else words


def ratio(row, what):
    return f"{float(row[what]):.2g}" if row[what] else "-"


def test_found_and_by_hand():
    rows = []
    for task, pairs in comparisons().items():
        for what, row in pairs.items():
            if what.endswith("%"):
                rows.append([task, what, side(row, "found"), side(row, "other"), gap(row)])
        full = pairs["full"]
        rows.append([task, "full", side(full, "found"), side(full, "other"), gap(full)])
    header = ["task", "budget", "found", "by hand", "difference"]
    table = markdown(header, rows)
    assert table_of(PAGE, "budgets", table) == table


def test_the_smallest_as_good():
    rows = [
        [
            task,
            f"{pairs['smallest']['reference']}, {float(pairs['smallest']['margin']):.3f}",
            *(side(pairs["smallest"], role) for role in ("found", "other")),
            ratio(pairs["smallest"], "parameters_ratio"),
            ratio(pairs["fastest"], "latency_ratio"),
        ]
        for task, pairs in comparisons().items()
    ]
    header = ["task", "as good as, within", "found", "by hand", "parameters", "latency"]
    table = markdown(header, rows)
    assert table_of(PAGE, "smallest", table) == table


def test_the_figure_of_gain_against_budget():
    gains = {
        task: {
            float(what.rstrip("%")): tuple(
                float(row[f"difference{end}"]) for end in ("", "_low", "_high")
            )
            for what, row in pairs.items()
            if what.endswith("%") and row["difference"]
        }
        for task, pairs in comparisons().items()
    }
    path, made = PAGE.with_name("gain.svg"), gain_figure(gains)
    if os.environ.get("AUTOPELT_WRITE_DOCS"):
        path.write_text(made, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == made
    assert "![Found minus by hand, against the budget](gain.svg)" in PAGE.read_text("utf-8")
