"""Card before a confirmation: what the search trained again found, on the selection split."""

from __future__ import annotations

from statistics import mean, stdev

from autopelt.cards.card import Card, Figure, NothingToShow, cell, table
from autopelt.cards.cells import trial_cells
from autopelt.cards.expectation import observed
from autopelt.cards.figure import add_points, error_bars, padded, plain, plot, share_axis
from autopelt.cards.look import BLUE, ORANGE, Look
from autopelt.cards.wording import name, plural, score, share
from autopelt.study.record import StudyRecord, TrialRecord

LOOKS = {
    False: Look("Found by the search", "circle", BLUE, 11, edge=0),
    True: Look("Seed architecture", "diamond", ORANGE, 11, edge=0),
}


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
    sizes = [100 * t.count.share for t, _ in known if t.count.deployed]
    zero = min(sizes, default=1.0) / 10**0.5
    figure = plot(metric)
    for by_hand, look in LOOKS.items():
        mine = [(t, scores) for t, scores in known if bool(t.label) == by_hand]
        points = [
            (
                t.number,
                100 * t.count.share if t.count.deployed else zero,
                mean(scores),
                f"<b>{plain(name(t))}</b><br>{plain(metric)} {score(mean(scores))} ± "
                f"{score(stdev(scores))}, {len(scores)} trainings<br>"
                f"{share(t.count.share)} · {t.count.deployed:,} parameters",
            )
            for t, scores in mine
        ]
        if points:
            bars = error_bars([stdev(scores) for _, scores in mine], look.colour)
            add_points(figure, look, points, error_y=bars)
    headless = any(not t.count.deployed for t, _ in known)
    places = [*sizes, zero] if headless or not sizes else sizes
    low, high = min(places) / 10**0.15, max(places) * 10**0.15
    figure.update_xaxes(**share_axis(low, high, zero if headless else None))
    figure.update_yaxes(range=padded([s for _, scores in known for s in scores], 0.1))
    legend = tuple(look.legend for look in LOOKS.values())
    summary = f"Mean selection {metric} of architectures trained again, against parameter share"
    return Figure("confirmed", summary, figure, height=380, legend=legend)
