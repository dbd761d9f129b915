"""Scores of classes, ranks and numbers: names, and functions from gold and predicted values.

Each benchmark defines which it reports. Sources: GLUE (arXiv:1804.07461, table 1), SuperGLUE
(arXiv:1905.00537, table 1), "Don't Stop Pretraining" (arXiv:2004.10964, table 2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Gold = Sequence[int] | Sequence[float]


def accuracy(gold: Gold, predicted: Gold) -> float:
    """Share of examples that are right."""
    return float(np.mean(np.asarray(gold) == np.asarray(predicted)))


def f1(gold: Gold, predicted: Gold, positive: int = 1) -> float:
    """F1 of one class of two, as GLUE has it for class 1 of MRPC and QQP; 0 where undefined."""
    from sklearn.metrics import f1_score

    return float(f1_score(gold, predicted, labels=[positive], average="macro", zero_division=0.0))


def macro_f1(gold: Gold, predicted: Gold) -> float:
    """Mean F1 of the classes that occur; 0 for a class where it is not defined."""
    from sklearn.metrics import f1_score

    return float(f1_score(gold, predicted, average="macro", zero_division=0.0))


def weighted_f1(gold: Gold, predicted: Gold) -> float:
    """Mean F1 of the classes by their numbers of examples; 0 for a class where undefined."""
    from sklearn.metrics import f1_score

    return float(f1_score(gold, predicted, average="weighted", zero_division=0.0))


def micro_f1(gold: Gold, predicted: Gold) -> float:
    """F1 over all decisions; equals accuracy where each example has one class."""
    return accuracy(gold, predicted)


def matthews(gold: Gold, predicted: Gold) -> float:
    """Matthews' correlation, -1 to 1; 0 where one side is constant."""
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(gold, predicted)) if _vary(gold, predicted) else 0.0


def accuracy_f1(gold: Gold, predicted: Gold, positive: int = 1) -> float:
    """Mean of accuracy and F1 of one class: GLUE's number for class 1 of MRPC and QQP."""
    return (accuracy(gold, predicted) + f1(gold, predicted, positive)) / 2


def accuracy_macro_f1(gold: Gold, predicted: Gold) -> float:
    """Mean of accuracy and macro-F1: SuperGLUE's number for CB."""
    return (accuracy(gold, predicted) + macro_f1(gold, predicted)) / 2


def pearson(gold: Gold, predicted: Gold) -> float:
    """Pearson's correlation, -1 to 1; 0 where one side is constant."""
    from scipy.stats import pearsonr

    return float(pearsonr(gold, predicted).statistic) if _vary(gold, predicted) else 0.0


def spearman(gold: Gold, predicted: Gold) -> float:
    """Spearman's rank correlation, -1 to 1; 0 where one side is constant."""
    from scipy.stats import spearmanr

    return float(spearmanr(gold, predicted).statistic) if _vary(gold, predicted) else 0.0


def pearson_spearman(gold: Gold, predicted: Gold) -> float:
    """Mean of both correlations: GLUE's number for STS-B."""
    return (pearson(gold, predicted) + spearman(gold, predicted)) / 2


def rmse(gold: Gold, predicted: Gold) -> float:
    """Root of the mean squared error, in the labels' own unit; less is better."""
    return float(np.sqrt(np.mean(np.square(_errors(gold, predicted)))))


def mae(gold: Gold, predicted: Gold) -> float:
    """Mean absolute error, in the labels' own unit; less is better."""
    return float(np.mean(np.abs(_errors(gold, predicted))))


def r2(gold: Gold, predicted: Gold) -> float:
    """Share of the labels' variance that is explained, at most 1; 0 where they do not vary."""
    around = np.asarray(gold, dtype=float) - np.mean(gold)
    if not _vary(gold, gold):
        return 0.0
    return float(1 - np.square(_errors(gold, predicted)).sum() / np.square(around).sum())


def quadratic_kappa(gold: Gold, predicted: Gold) -> float:
    """Agreement of ranks beyond chance, at most 1; 0 where one side is constant.

    Cohen's kappa (1968) with squared distances as weights: 1 minus the mean squared error over that
    of gold and predicted ranks paired at random, which is the denominator here.
    """
    if not _vary(gold, predicted):
        return 0.0
    apart = np.mean(gold) - np.mean(predicted)
    by_chance = np.var(gold) + np.var(predicted) + np.square(apart)
    return float(1 - np.mean(np.square(_errors(gold, predicted))) / by_chance)


def _errors(gold: Gold, predicted: Gold) -> np.ndarray:
    return np.asarray(gold, dtype=float) - np.asarray(predicted, dtype=float)


def _vary(gold: Gold, predicted: Gold) -> bool:
    """Whether both sides vary by more than rounding."""
    sides = [np.asarray(side, dtype=float) for side in (gold, predicted)]
    return all(len(side) > 1 and np.ptp(side) > 1e-12 * float(np.abs(side).max()) for side in sides)


def measured(name: str, gold: Gold, predicted: Gold, positive: int) -> float:
    """A score by name; `positive` is the class of those that are of one class."""
    own = {"positive": positive} if name in OF_ONE_CLASS else {}
    return SCORES[name](gold, predicted, **own)


OF_ONE_CLASS = ("f1", "accuracy_f1")
"""Scores of one class against the other, which take ``positive``, its index."""

OF_SEVERAL_LABELS = (
    *OF_ONE_CLASS,
    "matthews",
    "pearson",
    "spearman",
    "pearson_spearman",
    "quadratic_kappa",
    "r2",
)
"""Scores that may be 0 where all is right, if all examples have the same label."""

SCORES: dict[str, Callable[..., float]] = {
    function.__name__: function
    for function in (
        accuracy,
        f1,
        macro_f1,
        weighted_f1,
        micro_f1,
        matthews,
        accuracy_f1,
        accuracy_macro_f1,
        pearson,
        spearman,
        pearson_spearman,
        quadratic_kappa,
        r2,
        rmse,
        mae,
    )
}
"""A kind of task says of which of them less is better (`Task.errors`)."""
