"""Pareto front and hypervolume of score (maximised) against parameters (minimised).

Hypervolume is measured over log10(parameters), because sizes are geometric, against a reference
point: the budget and the score that the head alone reaches.
"""

import math
from collections.abc import Sequence

Point = tuple[int, float]
"""(deployed parameters, score)."""


def front(points: Sequence[Point]) -> list[int]:
    """Indices of the points that nothing dominates, by growing parameters.

    Of equal points only the first counts. Points whose score is not finite never count.
    """
    order = sorted(
        (i for i, p in enumerate(points) if math.isfinite(p[1])),
        key=lambda i: (points[i][0], -points[i][1], i),
    )
    kept: list[int] = []
    best = -math.inf
    for i in order:
        if points[i][1] > best:
            kept.append(i)
            best = points[i][1]
    return kept


def front_of(costs: Sequence[Sequence[float]], scores: Sequence[float]) -> list[int]:
    """`front` for any number of costs, all minimised, by growing first cost.

    Args:
        costs: of each point.
        scores: of each point, maximised.
    """
    order = sorted(
        (i for i, score in enumerate(scores) if math.isfinite(score)),
        key=lambda i: (tuple(costs[i]), -scores[i], i),
    )
    kept: list[int] = []
    for i in order:  # whatever dominates a point stands before it
        if not any(
            scores[j] >= scores[i] and all(a <= b for a, b in zip(costs[j], costs[i], strict=True))
            for j in kept
        ):
            kept.append(i)
    return kept


def hypervolume(points: Sequence[Point], budget: int, score: float) -> float:
    """Area that the front dominates above `score` and below `budget`, in decades times score.

    Points of less than one parameter count as one parameter. Points over the budget add nothing.
    """
    total, above = 0.0, score
    for i in front(points):
        parameters, value = points[i]
        if parameters <= budget and value > above:
            width = math.log10(budget) - math.log10(max(1, parameters))
            total += width * (value - above)
            above = value
    return total


def knee(points: Sequence[Point]) -> int:
    """Index of the front's point farthest above the line from its smallest to its best point.

    Distances are taken after scaling log10(parameters) and score to the front's own range.

    Raises:
        ValueError: there is no point at all.
    """
    members = front(points)
    if not members:
        raise ValueError("a knee needs at least one point with a finite score")
    x = [math.log10(max(1, points[i][0])) for i in members]
    y = [points[i][1] for i in members]
    wide, high = (x[-1] - x[0]) or 1.0, (y[-1] - y[0]) or 1.0
    height = [(b - y[0]) / high - (a - x[0]) / wide for a, b in zip(x, y, strict=True)]
    return members[max(range(len(members)), key=height.__getitem__)]
