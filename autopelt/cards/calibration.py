"""Card: did the surrogate know what it was proposing?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autopelt.cards.card import Card, Fact, Figure, NothingToShow, Row, cell, table
from autopelt.cards.figure import axis, layout, padded, plain
from autopelt.cards.wording import name, plural, score
from autopelt.study.record import StudyRecord, TrialRecord

TITLE = "Surrogate"
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
    """Numbers of the card. Raises NothingToShow with fewer than `FEWEST` predictions."""
    found: list[Prediction] = []
    seen: list[float] = []
    for t in record.complete:
        mean, sd = t.believed.get("mean"), t.believed.get("sd")
        if mean is not None and sd is not None and math.isfinite(mean + sd) and seen:
            found.append(Prediction(t, mean, max(sd, 0.0), t.point[1], sum(seen) / len(seen)))
        seen.append(t.point[1])
    if len(found) < FEWEST:
        raise NothingToShow(
            f"The surrogate has made {plural(len(found), 'prediction')} that can be checked; "
            f"this card needs {FEWEST}."
        )
    n = len(found)
    return Calibration(
        tuple(found),
        sum(abs(p.mean - p.actual) for p in found) / n,
        sum(abs(p.naive - p.actual) for p in found) / n,
        spearman([p.mean for p in found], [p.actual for p in found]),
        sum(abs(p.mean - p.actual) <= Z80 * p.sd for p in found) / n,
        sum(abs(p.mean - p.actual) <= Z95 * p.sd for p in found) / n,
    )


def spearman(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Rank correlation with mean ranks for ties; None if one of the two never varies."""
    x, y = _ranks(a), _ranks(b)
    mx, my = sum(x) / len(x), sum(y) / len(y)
    sxy = sum((i - mx) * (j - my) for i, j in zip(x, y, strict=True))
    sxx, syy = sum((i - mx) ** 2 for i in x), sum((j - my) ** 2 for j in y)
    return None if sxx == 0 or syy == 0 else sxy / math.sqrt(sxx * syy)


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    i = 0
    while i < len(order):
        j = i
        while j + 1 < len(order) and values[order[j + 1]] == values[order[i]]:
            j += 1
        for k in order[i : j + 1]:
            ranks[k] = (i + j) / 2
        i = j + 1
    return ranks


def draw(c: Calibration, metric: str) -> Figure:
    """Predicted against reached, with 95 % intervals and the diagonal."""
    points = c.predictions
    ends = padded([v for p in points for v in (p.mean, p.actual)], 0.08)
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": ends,
            "y": ends,
            "line": {"color": "--faint", "width": 1.5, "dash": "dash"},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "x": [p.mean for p in points],
            "y": [p.actual for p in points],
            "error_x": {
                "type": "data",
                "array": [Z95 * p.sd for p in points],
                "color": "--faint",
                "thickness": 1,
                "width": 0,
            },
            "customdata": [p.trial.number for p in points],
            "marker": {"size": 9, "color": "--blue", "line": {"width": 1.5, "color": "--surface"}},
            "hoverinfo": "text",
            "hovertext": [
                f"<b>{plain(name(p.trial))}</b><br>predicted {score(p.mean)} ± {score(Z95 * p.sd)}"
                f"<br>reached {score(p.actual)}"
                for p in points
            ],
        },
    ]
    shown = layout(axis(f"predicted {metric}"), axis(), f"reached {metric}")
    shown["meta"] = {"select": "ring"}
    words = f"Predicted against reached {metric} of {len(points)} trials"
    return Figure("surrogate", words, data, shown, height=380)


def card(record: StudyRecord) -> Card:
    """The scatter and four numbers."""
    c = calibration(record)
    names = ("Trial", "Predicted", "Standard deviation", "Reached", "Off by")
    rows = [
        Row(
            (
                cell(name(p.trial), p.trial.number),
                cell(score(p.mean), p.mean),
                cell(score(p.sd), p.sd),
                cell(score(p.actual), p.actual),
                cell(score(p.actual - p.mean), abs(p.actual - p.mean)),
            ),
            trial=p.trial.number,
        )
        for p in c.predictions
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
        "surrogate",
        TITLE,
        lead(c),
        facts=facts,
        figures=(draw(c, record.metric),),
        table=table(names, rows, names[1:]),
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
