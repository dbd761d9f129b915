"""What a gain counts: factors of at most 1 on the acquisition of a proposal."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from autopelt.space.bound import BoundSpace
from autopelt.space.points import point_keys
from autopelt.space.simple import PARTS, parts
from autopelt.space.tables import Matrix, Vector

Array = NDArray[np.float64]

WORDY = 0.9
"""What is gained counts so much for each run of layers that must be told beyond three."""
APART = 6
"""Proposals at once should differ in one choice of so many."""
REACH = 1.0
"""Octaves beyond the rates that were tried, into which a proposal may go."""
ANEW = 2.0
"""Octaves from a rate at which the same modules were tried, from which on another one is new."""


def reachable(octaves: Array, tried: Array) -> Array:
    """(n,) next to nothing for rates more than `REACH` octaves beyond all that were tried.

    Nothing is known of these, which makes them look worth a try, and few of them learn at all.
    """
    beyond = np.maximum(octaves - tried.max(), tried.min() - octaves)
    return np.where(beyond > REACH, 1e-6, 1.0)


def apart(matrix: Matrix, pending: Sequence[Vector]) -> Array:
    """(n,) less than 1 for points that differ in few choices from one that is being trained.

    Nearly the same architecture would tell nearly the same, while what is pending is not known yet.
    """
    if not pending:
        return np.ones(len(matrix))
    differ = (matrix[:, None] != np.array(pending)).sum(axis=-1).min(axis=1)
    return np.minimum(1.0, differ / max(1, matrix.shape[1] // APART))


def anew(space: BoundSpace, matrix: Matrix, tried: Sequence[Vector]) -> Array:
    """(n,) less than 1 for points that were tried at nearly the same learning rate.

    That is a further training of what is known rather than something to find out, and trainings
    again are given to what is worth them. Without this, most proposals of a study whose scores are
    noisy go to the best modules so far, each at a rate a quarter of an octave from the last.
    """
    at = space.multiplier
    if at is None or not len(tried):
        return np.ones(len(matrix))
    octaves = np.log2(np.array(space.space.rates, dtype=np.float64))

    def modules_and_rates(points: Matrix) -> Iterator[tuple[bytes, float]]:
        return zip(point_keys(np.delete(points, at, axis=1)), octaves[points[:, at]], strict=True)

    known: dict[bytes, list[float]] = {}
    for modules, rate in modules_and_rates(np.array(tried)):
        known.setdefault(modules, []).append(rate)
    away = [
        min((abs(rate - other) for other in known.get(modules, ())), default=ANEW)
        for modules, rate in modules_and_rates(matrix)
    ]
    return np.minimum(1.0, np.array(away) / ANEW)


def told(space: BoundSpace, matrix: Matrix) -> Array:
    """(n,) less than 1 for points that cannot be told in a few words.

    Far from all that is known the model promises as much of a mixture of everything as of a plain
    architecture; the plain one can be understood, and teaches more of what its parts are worth.
    """
    return np.asarray(WORDY ** np.maximum(0, parts(space, matrix) - PARTS), dtype=np.float64)
