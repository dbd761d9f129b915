"""Which rows of a comparison are worth the fresh random seeds."""

from collections.abc import Sequence

from autopelt.cards.at_budgets import at_budgets
from autopelt.cards.comparison_rows import HAND, Row


def finalists(
    rows: Sequence[Row],
    budgets: Sequence[str],
    most: int,
    *,
    selection: int | None = None,
    margin: float | None = None,
    smallest: bool = False,
) -> list[int]:
    """Places of the rows to train with all seeds, as far as it is known now.

    Found ones and references; of those by hand at each budget the `most` that the rates' trainings
    put first; and what was begun. Once these have their scores, and the `smallest` that is as
    good is asked for: the smallest by hand that can be that one and is not trained yet.

    Args:
        rows: of the comparison.
        budgets: their names, the smallest first.
        most: by hand, at each budget.
        selection, margin: as for `at_budgets`.
        smallest: whether the smallest that is as good is looked for.
    """
    chosen = {place for place, r in enumerate(rows) if r.role != HAND or r.trainings}
    for budget in budgets:
        by_hand = [
            (-r.swept, r.count.deployed, place)
            for place, r in enumerate(rows)
            if r.role == HAND and budget in r.within and r.swept is not None
        ]
        chosen |= {place for *_, place in sorted(by_hand)[:most]}
    if smallest and all(rows[place].trainings or rows[place].rate is None for place in chosen):
        chosen |= _next_smaller(rows, budgets, chosen, selection, margin)
    return sorted(chosen)


def _next_smaller(
    rows: Sequence[Row],
    budgets: Sequence[str],
    trained: set[int],
    selection: int | None,
    margin: float | None,
) -> set[int]:
    made = at_budgets(rows, budgets, selection, margin)
    known = made.smallest.other
    if made.reference is None or known is None or made.reference.swept is None:
        return set()
    # Not farther below than the margin and as much again for chance.
    least = min(made.reference.swept, made.reference.selection or 0.0) - 2 * made.margin
    can = [
        (r.count.deployed, place)
        for place, r in enumerate(rows)
        if r.role == HAND and place not in trained and r.swept is not None and r.swept >= least
        if r.count.deployed < known.count.deployed and r.within
    ]
    return {min(can)[1]} if can else set()
