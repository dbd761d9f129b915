"""Card before a confirmation: what the search trained again found, on the selection split."""

from __future__ import annotations

from statistics import mean, stdev

from autopelt.cards.card import Card, Figure, NothingToShow, cell, table
from autopelt.cards.cells import trial_cells
from autopelt.cards.expectation import observed
from autopelt.cards.means import Mean
from autopelt.cards.means import draw as draw_means
from autopelt.cards.wording import plural, score
from autopelt.study.record import StudyRecord, TrialRecord


def again(record: StudyRecord) -> list[tuple[TrialRecord, list[float]]]:
    """Architectures with several trainings, by growing parameters, each with its scores."""
    found = [(t, [o.point[1] for o in record.trainings_of(t)]) for t in record.architectures]
    several = [(t, scores) for t, scores in found if len(scores) > 1]
    return sorted(several, key=lambda pair: (pair[0].count.deployed, pair[0].number))


def card(record: StudyRecord) -> Card:
    """Means and spreads over the random seeds of the search. Raises NothingToShow without any."""
    known = again(record)
    if not known:
        raise NothingToShow(
            "Nothing is confirmed yet: every score above is of one random seed and of the "
            "selection split. autopelt confirm STUDY trains the best again with fresh random seeds."
        )
    many, was = sum(len(scores) for _, scores in known), "was" if len(known) == 1 else "were"
    return Card(
        f"{plural(len(known), 'architecture')} {was} trained again during the search, "
        f"{plural(many, 'training')} in all, on the selection split. Fresh random seeds and the "
        "report split are what autopelt confirm STUDY adds.",
        figures=(draw(known, record.metric),),
        table=table(
            (
                t.number,
                {
                    **trial_cells(t, "Trial"),
                    "Mean": cell(score(mean(scores)), mean(scores)),
                    "Spread": cell(score(stdev(scores)), stdev(scores)),
                    "Observed": cell(observed(record, t), max(scores)),
                    "Trainings": cell(len(scores)),
                    **trial_cells(t, "Share", "Architecture"),
                },
            )
            for t, scores in known
        ),
        note="Bars are one standard deviation over the random seeds: what another training may "
        "give. The search chose whom to train again, so the luckiest first score of each is among "
        "these.",
    )


def draw(known: list[tuple[TrialRecord, list[float]]], metric: str) -> Figure:
    """Mean selection score against share, with one standard deviation."""
    means = [
        Mean(
            t,
            bool(t.label),
            mean(scores),
            stdev(scores),
            f"{score(mean(scores))} ± {score(stdev(scores))}, {len(scores)} trainings",
        )
        for t, scores in known
    ]
    ends = [s for _, scores in known for s in scores]
    words = f"Mean selection {metric} of architectures trained again, against parameter share"
    return draw_means("confirmed", means, metric, metric, ends, words)
