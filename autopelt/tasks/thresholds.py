"""From which probability on an example has a label: what gives the best F1 on some examples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Decisions = NDArray[np.bool_]

FEW = 10
"""A label that fewer examples have is decided as all together are: its own threshold is chance."""


def best_threshold(gold: Decisions, shares: Array) -> float:
    """The threshold, between two probabilities, above which "yes" has the highest F1.

    Args:
        gold: what is right. shares: the probabilities, of the same shape.
    """
    order = np.argsort(-shares, axis=None)
    ranked, right = shares.flat[order], np.cumsum(gold.flat[order])
    scores = 2 * right / (np.arange(1, len(order) + 1) + gold.sum())
    below = np.append(ranked[1:], 0.0)
    scores[ranked == below] = -1.0  # equal ones are decided alike
    best = int(np.argmax(scores))
    return float((ranked[best] + below[best]) / 2)


def best_thresholds(gold: Decisions, shares: Array) -> Array:
    """(labels,) thresholds, each by the F1 of its label; of shape (examples, labels) both."""
    together = best_threshold(gold, shares)
    enough = gold.sum(axis=0) >= FEW
    own = (best_threshold(g, s) if e else together for g, s, e in zip(gold.T, shares.T, enough))
    return np.fromiter(own, float)


def micro_f1(gold: Decisions, found: Decisions) -> float:
    """F1 over all decisions; 0 without a label on either side."""
    total = gold.sum() + found.sum()
    return float(2 * (gold & found).sum() / total) if total else 0.0


def macro_f1(gold: Decisions, found: Decisions) -> float:
    """Mean F1 of the labels that occur, or are found."""
    total = gold.sum(axis=0) + found.sum(axis=0)
    known = total > 0
    each = 2 * (gold & found).sum(axis=0)[known] / total[known]
    return float(each.mean()) if known.any() else 0.0


def exact_match(gold: Decisions, found: Decisions) -> float:
    """Share of examples with just the right labels."""
    return float((gold == found).all(axis=1).mean())


SET_SCORES = {function.__name__: function for function in (micro_f1, macro_f1, exact_match)}
"""Scores of labels, of which an example may have any number."""
