"""Intervals of paired differences: right for known tables, and they hold 0 as often as they say."""

import numpy as np
import pytest

from autopelt.statistics.paired import (
    Difference,
    Scored,
    example_error,
    mean_and_interval,
    paired_difference,
    spread,
    t_quantile,
)

GROUPS = 40


def trainings(right: np.ndarray, groups: np.ndarray, score) -> list[Scored]:
    """(K, n) right answers as K trainings scored by `score` of one row."""
    return [
        Scored(seed, score(row), tuple(score(row[groups != g]) for g in range(groups.max() + 1)))
        for seed, row in enumerate(right)
    ]


def answers(rng, seeds, examples, seed_sd, difficulty, tilt_sd):
    """Right answers of one architecture: by example, by its own tilt, by random seed, by luck."""
    tilt = rng.normal(0, tilt_sd, examples)
    ability = 0.8 + difficulty + tilt + rng.normal(0, seed_sd, (seeds, 1))
    return (rng.random((seeds, examples)) < 1 / (1 + np.exp(-ability))).astype(float)


@pytest.mark.parametrize(("seed_sd", "tilt_sd"), [(0.0, 0.0), (0.15, 0.3), (0.4, 0.3), (0.0, 1.5)])
def test_of_equally_good_architectures_95_percent_of_intervals_hold_0(seed_sd, tilt_sd):
    """Seeds that matter much or not at all, examples that matter much or little."""
    rng = np.random.default_rng(7)
    groups = np.arange(200) % GROUPS
    held = 0
    for _ in range(200):
        difficulty = rng.normal(0, 1.2, 200)
        pair = [
            trainings(answers(rng, 5, 200, seed_sd, difficulty, tilt_sd), groups, np.mean)
            for _ in range(2)
        ]
        held += not paired_difference(*pair).low > 0 and not paired_difference(*pair).high < 0
    assert 0.91 <= held / 200 <= 1.0


def test_a_true_difference_is_found():
    rng = np.random.default_rng(0)
    groups = rng.permutation(600) % GROUPS
    difficulty = rng.normal(0, 1, 600)
    worse = answers(rng, 5, 600, 0.05, difficulty, 0.2)
    better = answers(rng, 5, 600, 0.05, difficulty + 1.0, 0.2)
    made = paired_difference(trainings(better, groups, np.mean), trainings(worse, groups, np.mean))
    assert not made.within_noise
    assert made.low > 0.05
    assert made.mean == pytest.approx((better - worse).mean())
    assert made.seeds == 5


def test_pairing_makes_intervals_narrower_than_each_own():
    """Hard examples are hard for both, so their difference is surer than either score."""
    rng = np.random.default_rng(1)
    groups = np.arange(400) % GROUPS
    difficulty = rng.normal(0, 3, 400)
    a, b = (trainings(answers(rng, 5, 400, 0, difficulty, 0), groups, np.mean) for _ in range(2))
    assert paired_difference(a, b).half < 0.8 * 2**0.5 * mean_and_interval(a).half


def test_only_common_random_seeds_are_paired():
    a = [Scored(0, 0.5, (0.5, 0.5)), Scored(1, 0.7, (0.6, 0.8))]
    b = [Scored(1, 0.4, (0.4, 0.4)), Scored(2, 0.9, (0.9, 0.9))]
    made = paired_difference(a, b)
    assert (made.mean, made.seeds) == (pytest.approx(0.3), 1)
    assert made.low is None
    assert made.within_noise
    assert paired_difference(a, b[1:]) is None


def test_without_any_difference_the_interval_is_a_point():
    a = [Scored(s, 0.5, (0.5, 0.5, 0.5)) for s in range(3)]
    made = paired_difference(a, a)
    assert (made.low, made.mean, made.high) == (0, 0, 0)
    assert made.within_noise


def test_spread_is_over_random_seeds():
    assert spread([Scored(0, 0.5), Scored(1, 0.7)]) == pytest.approx(0.02**0.5)
    assert spread([Scored(0, 0.5)]) is None


def test_error_over_examples_is_that_of_a_mean() -> None:
    values = np.random.default_rng(0).normal(size=30)
    other = np.random.default_rng(1).normal(size=30)

    def scored(found: np.ndarray) -> Scored:
        without = tuple((found.sum() - found) / (len(found) - 1))
        return Scored(0, float(found.mean()), without)

    error = example_error(scored(values), scored(other))
    assert error == pytest.approx(np.std(values - other, ddof=1) / np.sqrt(30))
    assert example_error(Scored(0, 0.5), Scored(0, 0.4)) is None


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.01, 0.05, "sure"),
        (-0.05, -0.01, "sure"),
        (-0.01, 0.05, "likely"),
        (-0.05, 0.01, "likely"),
        (-0.022, 0.05, "within the noise"),
        (0.0, 0.0, "within the noise"),
        (None, None, "within the noise"),
    ],
)
def test_how_sure_a_sign_is(low, high, words):
    mean = 0.02 if low is None else (low + high) / 2
    assert Difference(mean, low, high, 5).sureness == words


def test_the_error_of_one_score_over_examples_is_that_of_a_share():
    rng = np.random.default_rng(0)
    right = (rng.random((1, 4000)) < 0.8).astype(float)
    (one,) = trainings(right, np.arange(4000) % GROUPS, np.mean)
    assert example_error(one) == pytest.approx((0.8 * 0.2 / 4000) ** 0.5, rel=0.25)
    assert example_error(Scored(0, 0.8)) is None


@pytest.mark.parametrize("freedom", [1.0, 1.7, 2.0, 4.0, 9.3, 39.0, 400.5, 1e5])
def test_half_a_t_interval_is_scipys(freedom: float) -> None:
    from scipy.special import stdtrit

    assert t_quantile(freedom) == pytest.approx(float(stdtrit(freedom, 0.975)), rel=1e-9)
