"""A sentence on trainings that learned next to nothing where others of their architecture did."""

from collections.abc import Iterable
from statistics import fmean

from autopelt.cards.wording import score
from autopelt.study.confirmation import Repeated


def collapsed_words(named: Iterable[tuple[str, Repeated]]) -> str:
    """Of architectures by name; "" where no training collapsed."""
    parts = []
    for name, repeated in named:
        low = [t.score for t in repeated.collapsed if t.score is not None]
        if not low:
            continue
        every = [s.score for s in repeated.scored]
        others = fmean(s for s in every if s > max(low))
        parts.append(
            f"{name} with {len(low)} of {len(every)} ({score(fmean(low))}; {score(others)} with "
            "the others)"
        )
    if not parts:
        return ""
    return (
        f"Learned next to nothing with some random seeds: {', '.join(parts)}. The selection score "
        "shows such a training: train again with another random seed."
    )
