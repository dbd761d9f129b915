"""Who gets the fresh random seeds: what was found, the first by hand, the smallest that can be."""

from dataclasses import replace

from compared_rows import row

from autopelt.cards.comparison_rows import FOUND, FULL, Row
from autopelt.workflows.finalists import finalists

SMALL, LARGE = "0.1%", "1%"
BOTH = f"{SMALL} {LARGE}"


def chosen(rows: list[Row], most: int = 1, smallest: bool = False) -> list[str]:
    places = finalists(rows, (SMALL, LARGE), most, selection=200, margin=0.02, smallest=smallest)
    return [rows[place].name for place in places]


def swept(name: str, score: float | None, deployed: int, within: str = BOTH, **more: str) -> Row:
    """A row of which the rates alone are known."""
    return row(name, None, deployed, within, selection=score, **more)


def test_the_first_by_hand_of_each_budget_and_all_that_was_found() -> None:
    rows = [
        swept("a", 0.7, 90),
        swept("b", 0.8, 80),
        swept("c", 0.9, 900, LARGE),
        swept("d", 0.85, 950, LARGE),
        swept("failed", None, 10),
        swept("s:1", 0.1, 50, SMALL, role=FOUND),
        swept("full", 0.2, 100_000, "", role=FULL),
    ]
    assert chosen(rows) == ["b", "c", "s:1", "full"]
    assert chosen(rows, most=2) == ["a", "b", "c", "d", "s:1", "full"]


def test_what_was_begun_is_finished() -> None:
    begun = row("begun", 100, 90, BOTH)
    assert chosen([begun, swept("b", 0.8, 80)]) == ["begun", "b"]


def test_the_smallest_that_can_be_as_good_is_trained_next_until_one_is() -> None:
    best = row("best", 340, 900, LARGE)  # 0.85
    first = row("first", 300, 95, BOTH, selection=0.845)
    far, near, nearer = (
        swept(name, score, size)
        for name, score, size in (("far", 0.7, 20), ("near", 0.83, 40), ("nearer", 0.84, 60))
    )
    rows = [best, first, far, near, nearer]
    assert chosen(rows) == ["best", "first"]
    assert chosen(rows, smallest=True) == ["best", "first", "near"]
    # It was not as good: the next. It was: none.
    rows[3] = row("near", 300, 40, BOTH, selection=0.83)
    assert chosen(rows, smallest=True) == ["best", "first", "near", "nearer"]
    rows[3] = row("near", 390, 40, BOTH, selection=0.83)
    assert chosen(rows, smallest=True) == ["best", "first", "near"]
    # Nobody is trained for it before the best by hand is known.
    rows = [swept("best", 0.85, 900, LARGE), near, replace(first, trainings=())]
    assert "near" not in chosen([rows[0], near, swept("first", 0.9, 95)], smallest=True)
