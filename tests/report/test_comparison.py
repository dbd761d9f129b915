"""The page of a comparison: its panel, the order of its table, the card of several budgets."""

import csv
import html
from dataclasses import replace
from pathlib import Path

import example_studies
import plotly.graph_objects as go
import pytest
from compared_rows import row

from autopelt.cards.at_budgets import AtBudgets, at_budgets, sentences
from autopelt.cards.comparison_rows import FOUND, FULL, Row, by_selection
from autopelt.report.comparison import panel_values, table_card, write_comparison
from autopelt.report.comparison_budgets import budgets_card, draw
from autopelt.study.ledger import Training
from autopelt.study.record import COMPLETE, StudyRecord, TrialRecord


def test_the_panel_shows_methods_and_first_the_one_that_is_preferred() -> None:
    study = example_studies.study()
    some = study.trials[0]

    def row(name: str, selection: float) -> Row:
        training = Training(1, 0.9 - selection, selection, 1, (0.9 - selection,))
        return Row(name, some.architecture, some.count, 1.0, (training,), {})

    rows = [row("full", 0.4), row("lora-r2", 0.6), row("head-only", 0.5)]
    assert [r.name for r in by_selection(rows)] == ["lora-r2", "head-only", "full"]
    trials = tuple(
        TrialRecord(number, r.architecture, r.count, COMPLETE, label=r.name)
        for number, r in enumerate(rows)
    )
    record = replace(study, trials=trials, metric="accuracy")
    values = panel_values(record, rows, [])
    assert (values["best"], values["metric"]) == (1, "report accuracy")  # not the best on report
    assert [t["title"] for t in values["trials"]] == ["full", "lora-r2", "head-only"]
    assert {t["remark"] for t in values["trials"]} == {""}  # there is no front and no budget
    # The table is in the order of selection, and a row still shows its own method.
    shown = table_card(record, rows).table
    assert shown is not None
    assert [r.trial for r in shown.rows] == [1, 2, 0]


def rows_at_budgets() -> list[Row]:
    """By hand and found at two budgets, one left out after its rates, and full fine-tuning."""
    return [
        row("lora~0.1%", 280, 90, "0.1% 1%", times=1.0),
        row("sapa", 340, 900, "1%", times=1.2),
        row("mam~1%", None, 990, "1%", selection=0.6),
        row("s:4", 320, 80, "0.1%", FOUND, times=1.05),
        row("s:9", 342, 600, "1%", FOUND, times=1.3),
        row("full", 350, 100_000, "", FULL),
    ]


def written(folder: Path) -> tuple[StudyRecord, AtBudgets]:
    """The page and the tables of these in a folder."""
    rows = rows_at_budgets()
    trials = tuple(
        TrialRecord(number, r.architecture, r.count, COMPLETE, label=r.name)
        for number, r in enumerate(rows)
    )
    record = replace(example_studies.study(), trials=trials, metric="accuracy")
    made = at_budgets(rows, ("0.1%", "1%"), 200, margin=0.05)
    write_comparison(record, rows, folder, made)
    return record, made


def test_a_page_of_several_budgets_has_a_figure_and_a_line_for_each(tmp_path: Path) -> None:
    record, made = written(tmp_path)
    figure = draw(record, made)
    go.Figure(data=figure.data, layout=figure.layout)
    points = [t["y"] for t in figure.data if t["mode"] == "markers"]
    assert points == [pytest.approx([280 / 400, 340 / 400]), pytest.approx([320 / 400, 342 / 400])]
    card = budgets_card(record, made)
    assert card.table is not None
    assert [r.trial for r in card.table.rows] == [3, 4, 4, 4, 4]
    assert [c.cells[0].text for c in card.table.rows] == [p.what for p in made.pairs]
    text = html.unescape((tmp_path / "index.html").read_text())
    assert text.index('id="budgets"') < text.index('id="table"')
    for sentence in sentences(made):
        assert sentence in text
    assert (tmp_path / "index.html").stat().st_size < 2_300_000
    with (tmp_path / "budgets.csv").open() as file:
        pairs = {line["what"]: line for line in csv.DictReader(file)}
    assert pairs["0.1%"]["sureness"] == "sure"
    assert float(pairs["1%"]["parameters_ratio"]) == pytest.approx(600 / 900)
    assert float(pairs["smallest"]["margin"]) == pytest.approx(made.margin)
    assert pairs["full"]["other_method"] == "full"
    # What was left out after its rates is no failure, and comes last.
    with (tmp_path / "table.csv").open() as file:
        table = list(csv.DictReader(file))
    assert (table[-1]["method"], table[-1]["score"], table[-1]["swept"]) == ("mam~1%", "", "0.6")
    assert "(0.600)" in text
    assert "rates only" in text
    assert "methods have a score so far" not in text


@pytest.mark.browser
def test_the_figure_of_the_budgets_is_drawn(tmp_path: Path, open_report) -> None:
    written(tmp_path)
    report = open_report(tmp_path / "index.html")
    assert report.page.locator("#figure-budgets .points path").count() == 4
    assert report.messages == []
