"""Tables of results for the terminal."""

from pathlib import Path

from compared_rows import row
from small_record import AGAIN, STUDY

from autopelt.cards.at_budgets import at_budgets
from autopelt.cards.comparison_rows import FOUND
from autopelt.study.storage import StudyStorage
from autopelt.views.columns import Table
from autopelt.views.tables import budgets_table, comparison_table, confirmed_table, front_table

KEPT = Path(__file__).parents[1] / "fixtures" / "study-7d51a0e"


def lines(table: Table) -> list[str]:
    head, body = table.lines(None)
    return [*head, *body]


def test_the_front_has_a_line_for_each_of_its_trials() -> None:
    shown = lines(front_table(STUDY))
    assert shown[0].split()[:3] == ["trial", "accuracy", "parameters"]
    assert len(shown) == 1 + len(STUDY.front)


def test_what_was_trained_again_stands_with_what_is_expected_and_what_was_observed() -> None:
    shown = [line.split() for line in lines(front_table(AGAIN))]
    assert shown[0][:5] == ["trial", "expected", "observed", "trainings", "parameters"]
    assert shown[1][:6] == ["1", "0.7650", "0.740", "to", "0.800", "3"]
    assert len(shown) == 1 + len(AGAIN.front)


def test_confirmed_architectures_stand_with_the_best_first() -> None:
    record = StudyStorage.open(KEPT).record()
    shown = lines(confirmed_table(record))
    assert "against best by hand" in shown[0]
    assert len(shown) == 1 + len(record.confirmed)
    assert f"{max(c.mean.mean for c in record.confirmed if c.mean):.3f}" in shown[1]


def test_each_budget_has_a_line_and_what_was_left_out_says_so() -> None:
    rows = [
        row("sapa", 300, 90, "0.1% 1%"),
        row("s:4", 330, 80, "0.1%", FOUND),
        row("mam~1%", None, 990, "1%", selection=0.6),
    ]
    shown = lines(budgets_table(at_budgets(rows, ("0.1%", "1%"), 200)))
    assert shown[0].split()[:4] == ["budget", "by", "hand", "score"]
    assert shown[1].split()[:2] == ["0.1%", "sapa"]
    assert shown[1].rstrip().endswith("sure")
    assert shown[2].split() == ["1%", *shown[1].split()[1:6], *"––––"]
    last = lines(comparison_table(rows))[-1]
    assert last.split()[:4] == ["mam~1%", "(0.600)", "rates", "only"]
