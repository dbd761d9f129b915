"""Scores: published examples, and the definitions by which the benchmarks report."""

import random

import numpy as np
import pytest
from sklearn.metrics import (
    f1_score,
    matthews_corrcoef,
    mean_absolute_error,
    r2_score,
    root_mean_squared_error,
)

from autopelt.tasks.scores import SCORES


def test_classification_scores_against_scikit_learn():
    draw = random.Random(0)
    gold = [draw.randrange(2) for _ in range(200)]
    found = [g if draw.random() < 0.7 else 1 - g for g in gold]
    assert SCORES["f1"](gold, found) == pytest.approx(f1_score(gold, found))
    assert SCORES["matthews"](gold, found) == pytest.approx(matthews_corrcoef(gold, found))
    assert SCORES["macro_f1"](gold, found) == pytest.approx(f1_score(gold, found, average="macro"))
    assert SCORES["micro_f1"](gold, found) == pytest.approx(f1_score(gold, found, average="micro"))
    accuracy = SCORES["accuracy"](gold, found)
    assert SCORES["accuracy_f1"](gold, found) == pytest.approx(
        (accuracy + f1_score(gold, found)) / 2
    )


def test_regression_scores_against_scikit_learn():
    draw = random.Random(0)
    gold = [draw.gauss(1e5, 5e3) for _ in range(50)]
    found = [g + draw.gauss(0, 1e3) for g in gold]
    assert SCORES["rmse"](gold, found) == pytest.approx(root_mean_squared_error(gold, found))
    assert SCORES["mae"](gold, found) == pytest.approx(mean_absolute_error(gold, found))
    assert SCORES["r2"](gold, found) == pytest.approx(r2_score(gold, found))
    assert SCORES["r2"]([1e-4, 2e-4], [1e-4, 1e-4]) == pytest.approx(-1.0)
    assert SCORES["r2"]([3.0, 3.0], [1.0, 2.0]) == 0.0


def test_correlations_see_numbers_that_are_small():
    gold = [1e-14 * n for n in range(5)]
    assert SCORES["pearson"](gold, gold) == pytest.approx(1.0)


def test_a_constant_side_scores_zero_without_a_warning():
    for name in ("pearson", "spearman", "pearson_spearman"):
        assert SCORES[name]([1.0, 2.0, 3.0], [0.5, 0.5, 0.5]) == 0.0
        assert SCORES[name]([1.0], [1.0]) == 0.0
    for name in ("matthews", "f1", "accuracy"):
        assert SCORES[name]([0, 1, 0], [0, 0, 0]) == pytest.approx(
            2 / 3 if name == "accuracy" else 0
        )


def test_stsb_is_the_mean_of_both_correlations():
    gold, found = [0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 30.0]
    assert SCORES["spearman"](gold, found) == pytest.approx(1.0)
    both = (1 + np.corrcoef(gold, found)[0, 1]) / 2
    assert SCORES["pearson_spearman"](gold, found) == pytest.approx(both)
