"""The figure of architectures that were trained several times: mean score against share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autopelt.cards.card import Figure
from autopelt.cards.figure import add_points, error_bars, padded, plain, plot, share_axis
from autopelt.cards.look import BLUE, ORANGE, Look
from autopelt.cards.wording import name, share
from autopelt.study.record import TrialRecord

LOOKS = {
    False: Look("Found by the search", "circle", BLUE, 11, edge=0),
    True: Look("Seed architecture", "diamond", ORANGE, 11, edge=0),
}
"""By whether it is made by hand."""


@dataclass(frozen=True)
class Mean:
    """Mean score of an architecture, the length of its bar to either side, and both in words."""

    trial: TrialRecord
    by_hand: bool
    mean: float
    half: float
    words: str


def draw(
    key: str, means: Sequence[Mean], axis: str, metric: str, ends: Sequence[float], words: str
) -> Figure:
    """Means with bars; one without any module has a marked place of its own.

    Args:
        axis: title of the axis of scores. metric: its name on hover.
        ends: scores that must be seen.
        words: the figure for someone who cannot see it.
    """
    sizes = [100 * m.trial.count.share for m in means if m.trial.count.deployed]
    zero = min(sizes, default=1.0) / 10**0.5
    figure = plot(axis)
    for by_hand, look in LOOKS.items():
        mine = [m for m in means if m.by_hand == by_hand]
        points = [
            (
                m.trial.number,
                100 * m.trial.count.share if m.trial.count.deployed else zero,
                m.mean,
                f"<b>{plain(name(m.trial))}</b><br>{plain(metric)} {m.words}<br>"
                f"{share(m.trial.count.share)} · {m.trial.count.deployed:,} parameters",
            )
            for m in mine
        ]
        if points:
            bars = error_bars([m.half for m in mine], look.colour)
            add_points(figure, look, points, error_y=bars)
    headless = len(sizes) < len(means)
    places = [*sizes, zero] if headless else sizes
    low, high = min(places) / 10**0.15, max(places) * 10**0.15
    figure.update_xaxes(**share_axis(low, high, zero if headless else None))
    figure.update_yaxes(range=padded(list(ends), 0.1))
    legend = tuple(look.legend for look in LOOKS.values())
    return Figure(key, words, figure, height=380, legend=legend)
