"""How far apart two architectures are on the report split, and how sure that is.

Both are trained with the same K random seeds and scored on the same examples. Two things make the
difference uncertain, and both are in the interval: another random seed would have trained
something else, and another report split would have held other examples.

Notation: for random seed s, d_s is the difference of the two scores on the whole split and d_s,-g
the one without group g of the examples, g = 1..G. The jackknife's pseudo-values

    p_sg = G d_s - (G - 1) d_s,-g

behave like the difference on group g alone, for any score that is a smooth function of the data: a
mean as well as Matthews' correlation, F1, Pearson or BLEU. They form a table of two crossed random
effects, random seeds and groups, whose mean squares M_s, M_g and M_sg give

    Var(mean difference) = (M_s + M_g - M_sg) / (K G),

the sum of the variances by seeds, by examples, and by what is left (Searle, Casella and McCulloch,
"Variance Components", 1992, chapter 4). Degrees of freedom are Satterthwaite's (1946). So five
seeds get a t interval as wide as five seeds deserve; a bootstrap over five seeds is too narrow
where seeds matter, and too wide where they do not (docs/honest-answer.md has both, measured).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
LIKELY = 0.8
"""Chance of a sign from which it is called likely."""


@dataclass(frozen=True)
class Scored:
    """One trained architecture on the report split.

    Attributes:
        random_seed: of its training.
        score: of the whole split; larger is better.
        without: score without each group of examples, in the groups' order.
    """

    random_seed: int
    score: float
    without: tuple[float, ...] = ()


@dataclass(frozen=True)
class Difference:
    """Score of one architecture minus another's, averaged over random seeds.

    Attributes:
        mean: the difference.
        low, high: 95 % interval; None where it cannot be known (one seed, no groups).
        seeds: pairs of trainings.
    """

    mean: float
    low: float | None
    high: float | None
    seeds: int

    @property
    def within_noise(self) -> bool:
        """The interval holds 0, or there is none."""
        return self.low is None or self.high is None or self.low <= 0 <= self.high

    @property
    def sureness(self) -> str:
        """How sure the sign is: ``sure``, ``likely``, or ``within the noise``.

        Sure: the interval does not hold 0. Likely: an interval that leaves out a fifth on one side
        does not.
        """
        if not self.within_noise:
            return "sure"
        likely = NormalDist().inv_cdf(LIKELY) / NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
        half = self.half
        return "likely" if half and abs(self.mean) > likely * half else "within the noise"

    def surely_above(self, least: float) -> bool:
        """The whole interval lies at `least` or above."""
        return self.low is not None and self.low >= least

    @property
    def half(self) -> float | None:
        """Half the width of the interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


def paired_difference(first: Sequence[Scored], second: Sequence[Scored]) -> Difference | None:
    """First minus second, over the random seeds that both have; None without a common one."""
    other = {s.random_seed: s for s in second}
    pairs = [(s, other[s.random_seed]) for s in first if s.random_seed in other]
    if not pairs:
        return None
    whole = np.array([a.score - b.score for a, b in pairs])
    without = [
        np.subtract(a.without, b.without) for a, b in pairs if len(a.without) == len(b.without) > 1
    ]
    return _interval(whole, np.array(without) if len(without) == len(pairs) else None)


def mean_and_interval(scored: Sequence[Scored]) -> Difference | None:
    """The mean score of one architecture with its own 95 % interval; None without any."""
    if not scored:
        return None
    whole = np.array([s.score for s in scored])
    same = len({len(s.without) for s in scored}) == 1 and len(scored[0].without) > 1
    return _interval(whole, np.array([s.without for s in scored]) if same else None)


def example_error(first: Scored, second: Scored | None = None) -> float | None:
    """Standard error of a score, or of two scores' difference, over the examples (jackknife).

    Of single trainings: what another random seed would have given is not in it. None without
    groups.
    """
    groups = len(first.without)
    other = (0.0,) * groups if second is None else second.without
    if groups < 2 or groups != len(other):
        return None
    differences = np.subtract(first.without, other)
    return float(np.sqrt((groups - 1) * differences.var()))


def spread(scored: Sequence[Scored]) -> float | None:
    """Standard deviation of the score over random seeds; None for a single one."""
    return float(np.std([s.score for s in scored], ddof=1)) if len(scored) > 1 else None


def _interval(whole: NDArray[np.float64], without: NDArray[np.float64] | None) -> Difference:
    """Interval from (K,) scores and (K, G) scores without a group each."""
    mean, seeds = float(whole.mean()), len(whole)
    if seeds < 2 or without is None:
        return Difference(mean, None, None, seeds)
    groups = without.shape[1]
    values = groups * whole[:, None] - (groups - 1) * without
    by_seed, by_group, grand = values.mean(axis=1), values.mean(axis=0), values.mean()
    left = values - by_seed[:, None] - by_group[None, :] + grand
    free = np.array([seeds - 1, groups - 1, (seeds - 1) * (groups - 1)], dtype=float)
    squares = np.array(
        [
            groups * ((by_seed - grand) ** 2).sum(),
            seeds * ((by_group - grand) ** 2).sum(),
            (left**2).sum(),
        ]
    )
    by = squares / free
    # No component can be negative: the whole is at least each of its parts.
    total = max(by[0] + by[1] - by[2], by[0], by[1], 0.0)
    if total == 0:
        return Difference(mean, mean, mean, seeds)
    freedom = total**2 / float((by**2 / free).sum()) if by[0] + by[1] > by[2] else free[1]
    freedom = max(freedom, float(seeds - 1))
    half = t_quantile(freedom) * math.sqrt(total / (seeds * groups))
    return Difference(mean, mean - half, mean + half, seeds)


def t_quantile(freedom: float) -> float:
    """Half the width of Student's central interval of `CONFIDENCE`; `freedom` >= 1, any real.

    With t = sqrt(freedom) tan(a), the chance of |T| < t is an integral of cos^(freedom - 1) from 0
    to a, over the one to pi / 2. It is concave in a, so Newton's steps from 0 never pass the root.
    scipy's `stdtrit` is the same and takes 0.2 s to import, the most of what `status` did.
    """
    whole = math.exp(math.lgamma(freedom / 2) - math.lgamma((freedom + 1) / 2))
    whole *= math.sqrt(math.pi) / 2
    nodes, weights = np.polynomial.legendre.leggauss(40)
    angle, step = 0.0, math.inf
    while step > 1e-13 * angle:
        inner = angle / 2 * float(weights @ np.cos(angle / 2 * (nodes + 1)) ** (freedom - 1))
        step = (CONFIDENCE * whole - inner) / math.cos(angle) ** (freedom - 1)
        angle += step
    return math.sqrt(freedom) * math.tan(angle)
