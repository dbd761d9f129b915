"""What `autopelt search` says before the first trial."""

from pathlib import Path

from small_search import plan

from autopelt.cli.search import _announcement
from autopelt.samplers.local_search import LISTED
from autopelt.space.points import enumerate_feasible


def test_a_space_whose_architectures_can_be_counted_within_the_budget_says_how_many(
    tiny_bert: Path,
) -> None:
    def said(budget: str, space: str) -> tuple[str, int | None]:
        made = plan(tiny_bert, budget=budget, space=space)
        (line,) = (line for line in _announcement(made, 100) if line.startswith("space "))
        listed = enumerate_feasible(made.space, LISTED)
        return line, None if listed is None else len(listed)

    small, count = said("60", "mixed")
    assert count is not None
    assert small.endswith(f" architectures, {count:,} of them within the budget")
    large, count = said("20%", "mixed")
    assert count is None
    assert large.endswith(" architectures")
