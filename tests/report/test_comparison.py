"""The page of a comparison: what its panel shows, and in which order its table is."""

from dataclasses import replace

import example_studies

from autopelt.cards.comparison_rows import Row, by_selection
from autopelt.report.comparison import panel_values, table_card
from autopelt.study.ledger import Training
from autopelt.study.record import COMPLETE, TrialRecord


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
