"""Card: did the surrogate know what it was proposing?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from autopelt.cards.card import Card, Fact, Figure, NothingToShow, cell, table
from autopelt.cards.cells import trial_cells
from autopelt.cards.figure import add_points, dashed, error_bars, padded, plain, plot
from autopelt.cards.look import BLUE, FAINT, Look
from autopelt.cards.shown import shown
from autopelt.cards.wording import name, plural, score
from autopelt.study.record import StudyRecord, TrialRecord

FEWEST = 5
"""Predictions needed before anything is said about them."""
Z80, Z95 = 1.2816, 1.96


@dataclass(frozen=True)
class Prediction:
    """What was believed before a trial, and what came out."""

    trial: TrialRecord
    mean: float
    sd: float
    actual: float
    naive: float


@dataclass(frozen=True)
class Calibration:
    """Quality of the predictions, all made before the trial was trained.

    Attributes:
        error: mean absolute error of the predicted means.
        naive: the same of always predicting the mean score of the trials before.
        rank: Spearman's rank correlation of prediction and score; None if one never varies.
        inside80, inside95: share of scores inside the 80 % and 95 % intervals.
    """

    predictions: tuple[Prediction, ...]
    error: float
    naive: float
    rank: float | None
    inside80: float
    inside95: float

    @property
    def useless(self) -> bool:
        """No better than the mean of what was seen before."""
        return self.error >= self.naive


def calibration(record: StudyRecord) -> Calibration:
    """Numbers of the card. Raises NothingToShow with fewer than `FEWEST` predictions.

    What trains an architecture again is no new proposal, and no test of what was predicted.
    """
    found: list[Prediction] = []
    seen: list[float] = []
    for t in (t for t in record.complete if t.repeats is None):
        mean, sd = t.believed.get("mean"), t.believed.get("sd")
        if mean is not None and sd is not None and math.isfinite(mean + sd) and seen:
            found.append(Prediction(t, mean, max(sd, 0.0), t.point[1], sum(seen) / len(seen)))
        seen.append(t.point[1])
    if len(found) < FEWEST:
        raise NothingToShow(
            f"The surrogate has made {plural(len(found), 'prediction')} that can be checked; "
            f"this card needs {FEWEST}."
        )
    return Calibration(
        tuple(found),
        fmean(abs(p.mean - p.actual) for p in found),
        fmean(abs(p.naive - p.actual) for p in found),
        spearman([p.mean for p in found], [p.actual for p in found]),
        fmean(abs(p.mean - p.actual) <= Z80 * p.sd for p in found),
        fmean(abs(p.mean - p.actual) <= Z95 * p.sd for p in found),
    )


def spearman(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Rank correlation with mean ranks for ties; None if one of the two never varies."""
    # SciPy takes a second to load: not before it is needed.
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic) if min(len(set(a)), len(set(b))) > 1 else None


def draw(c: Calibration, metric: str) -> Figure:
    """Predicted against reached, with 95 % intervals and the diagonal."""
    figure = plot(f"reached {metric}", select="ring")
    ends = padded([v for p in c.predictions for v in (p.mean, p.actual)], 0.08)
    figure.add_scatter(mode="lines", x=ends, y=ends, line=dashed(FAINT, 1.5), hoverinfo="skip")
    points = [
        (
            p.trial.number,
            p.mean,
            p.actual,
            f"<b>{plain(name(p.trial))}</b><br>predicted {score(p.mean)} ± {score(Z95 * p.sd)}"
            f"<br>reached {score(p.actual)}",
        )
        for p in c.predictions
    ]
    bars = error_bars([Z95 * p.sd for p in c.predictions], FAINT) | {"thickness": 1, "width": 0}
    add_points(figure, Look("", "circle", BLUE, 9, edge=1.5), points, error_x=bars)
    figure.update_xaxes(title_text=plain(f"predicted {metric}"))
    words = f"Predicted against reached {metric} of {len(points)} trials"
    return Figure("surrogate", words, figure, height=380)


def card(record: StudyRecord) -> Card:
    """The scatter and four numbers."""
    c, numbers = calibration(record), {t.number for t in shown(record)}
    drawn = tuple(p for p in c.predictions if p.trial.number in numbers)
    rows = [
        (
            p.trial.number,
            {
                **trial_cells(p.trial, "Trial"),
                "Predicted": cell(score(p.mean), p.mean),
                "Standard deviation": cell(score(p.sd), p.sd),
                "Reached": cell(score(p.actual), p.actual),
                "Off by": cell(score(p.actual - p.mean), abs(p.actual - p.mean)),
            },
        )
        for p in drawn
    ]
    facts = (
        Fact("Mean error", score(c.error), f"{score(c.naive)} for always guessing the mean"),
        Fact(
            "Rank correlation", "–" if c.rank is None else f"{c.rank:.2f}", "1 is a perfect order"
        ),
        Fact("Inside 80% interval", f"{c.inside80:.0%}", "80% if its doubts are right"),
        Fact("Inside 95% interval", f"{c.inside95:.0%}", "95% if its doubts are right"),
    )
    return Card(
        lead(c),
        facts=facts,
        figures=(draw(replace(c, predictions=drawn), record.metric),),
        table=table(rows),
        note="Every prediction was made before its trial was trained. Bars are 95% intervals; on "
        "the dashed line prediction and result agree.",
    )


def lead(c: Calibration) -> str:
    """Whether to trust it, as one sentence."""
    if c.useless:
        return "The surrogate predicted no better than guessing the mean of the trials before."
    better = 1 - c.error / c.naive
    doubt = ""
    if c.inside95 < 0.8:
        doubt = ", though it was surer of itself than it should have been"
    elif c.inside80 > 0.97 and len(c.predictions) >= 20:
        doubt = ", and was more cautious than it needed to be"
    return f"The surrogate's predictions were {better:.0%} closer than guessing the mean{doubt}."
