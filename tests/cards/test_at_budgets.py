"""Found against by hand at several budgets: who stands for what, the smallest, the words."""

from dataclasses import replace

import pytest
from compared_rows import EXAMPLES, row

from autopelt.cards.at_budgets import as_good, at_budgets, sentences, standard_error, summary
from autopelt.cards.comparison_rows import FOUND, FULL

SMALL, LARGE = "0.1%", "1%"
ROWS = [
    row("lora~0.1%", 280, 90, f"{SMALL} {LARGE}"),
    row("sapa~0.1%", 290, 95, f"{SMALL} {LARGE}", times=1.1),
    row("sapa", 340, 900, LARGE, times=1.2),
    row("mam~1%", None, 990, LARGE, selection=0.6),
    row("s:4", 320, 80, SMALL, FOUND, times=1.05),
    row("s:9", 342, 600, LARGE, FOUND, times=1.3),
    row("full", 350, 100_000, "", FULL),
]


def test_each_budget_holds_the_found_one_against_the_best_by_hand() -> None:
    made = at_budgets(ROWS, (SMALL, LARGE), 200)
    names = [(p.what, p.found and p.found.name, p.other and p.other.name) for p in made.budgets]
    assert names == [(SMALL, "s:4", "sapa~0.1%"), (LARGE, "s:9", "sapa")]
    assert [p.gap and p.gap.sureness for p in made.budgets] == ["sure", "within the noise"]
    assert made.budgets[0].gap is not None
    assert made.budgets[0].gap.mean == pytest.approx(30 / EXAMPLES)
    assert made.budgets[1].parameters == pytest.approx(600 / 900)
    assert made.budgets[1].latency == pytest.approx(1.3 / 1.2)


def test_the_selection_split_chooses_who_is_best_by_hand_and_the_report_split_never() -> None:
    lucky = row("lucky", 390, 50, f"{SMALL} {LARGE}", selection=0.5)
    made = at_budgets([*ROWS, lucky], (SMALL, LARGE), 200)
    assert [p.other and p.other.name for p in made.budgets] == ["sapa~0.1%", "sapa"]


def test_a_method_of_a_small_budget_may_be_the_best_of_a_large_one() -> None:
    good = row("tiny", 345, 40, f"{SMALL} {LARGE}")
    made = at_budgets([*ROWS, good], (SMALL, LARGE), 200)
    assert [p.other and p.other.name for p in made.budgets] == ["tiny", "tiny"]


def test_the_smallest_is_surely_not_lower_by_more_than_the_margin() -> None:
    made = at_budgets(ROWS, (SMALL, LARGE), 200, margin=0.1)
    assert made.reference is ROWS[2]
    assert (made.smallest.found, made.smallest.other) == (ROWS[4], ROWS[2])  # not sapa~0.1%
    assert made.smallest.parameters == pytest.approx(80 / 900)
    assert (made.fastest.found, made.fastest.other) == (ROWS[4], ROWS[2])
    # With a margin of nothing an equal one is not surely as good, only the reference is.
    strict = at_budgets(ROWS, (SMALL, LARGE), 200, margin=0.0)
    assert strict.smallest.other is ROWS[2]
    assert strict.smallest.found is None
    assert not as_good(ROWS[3], ROWS[2], 1.0)  # it has no score at all


def test_the_usual_margin_is_a_standard_error_on_the_selection_split() -> None:
    share = 340 / EXAMPLES
    error = (share * (1 - share) / 200) ** 0.5
    made = at_budgets(ROWS, (SMALL, LARGE), 200)
    assert made.margin == standard_error(ROWS[2], 200) < error
    assert standard_error(ROWS[2], 200) == pytest.approx(2 * standard_error(ROWS[2], 800))
    one = replace(ROWS[2], trainings=ROWS[2].trainings[:1])
    assert standard_error(one, 200) == pytest.approx(error, rel=0.2)
    assert standard_error(row("all right", EXAMPLES + 3, 9), 200) == 1 / 200
    assert standard_error(ROWS[3], 200) == 0.0
    assert standard_error(ROWS[2], None) == 0.0


def test_what_is_said_names_the_rows_the_size_and_how_sure_it_is() -> None:
    small, large, least, full = sentences(at_budgets(ROWS, (SMALL, LARGE), 200, margin=0.1))
    assert "At 0.1%: found, s:4, is 0.075 above the best by hand, sapa~0.1% (+0.075 [" in small
    assert small.endswith("]): sure.")
    assert large.endswith("]): within the noise.")
    assert "As good as sapa (0.850, the best by hand at 1%), surely not lower by more" in least
    assert "fewest parameters: found, s:4 with 0.08% (80), latency × 1.05" in least
    assert "by hand, sapa with 0.9% (900), latency × 1.20 (found is 0.089 times that)" in least
    assert full.startswith("Full fine-tuning is 0.020 above s:9")
    assert summary(at_budgets(ROWS, (SMALL, LARGE), 200)) == (
        "What was found is surely better than the best by hand at 1 of 2 budgets, surely worse at "
        "none; on average by +0.040."
    )


def test_with_nothing_found_or_nothing_scored_it_says_so() -> None:
    hand = at_budgets(ROWS[:3], (SMALL, LARGE), 200)
    assert sentences(hand)[0].startswith("At 0.1%: best by hand, sapa~0.1% (0.725 ± ")
    assert sentences(hand)[0].endswith("); found, none: nothing to compare yet.")
    assert "found, none; by hand, sapa~0.1%" not in sentences(hand)[2]
    assert "found, none" in sentences(hand)[2]
    assert summary(hand).startswith("There is no budget yet")
    nothing = at_budgets([ROWS[3]], (SMALL, LARGE), 200)
    assert sentences(nothing) == [
        f"At {b}: best by hand, none; found, none: nothing to compare yet." for b in (SMALL, LARGE)
    ]
    same = row("s:1 (sapa)", 340, 900, LARGE, FOUND)
    assert "the best by hand itself" in sentences(at_budgets([ROWS[2], same], (LARGE,), 200))[0]
