"""Scores below a ceiling: there and back, and what is expected of a log-normal gap to it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from autopelt.samplers.ceiling import CeilingTransform, ScorePosterior


def test_scores_come_back() -> None:
    transform = CeilingTransform(0.9, 2.0, 0.5, 0.001)
    scores = torch.tensor([[0.5], [0.8], [0.89]], dtype=torch.float64)
    variances = torch.full_like(scores, 1e-4)
    back, theirs = transform.untransform(*transform(scores, variances))
    assert torch.allclose(back, scores)
    assert theirs is not None
    assert torch.allclose(theirs, variances)


@given(location=st.floats(-2, 5), spread=st.floats(0.01, 1.0), above=st.floats(-1, 3))
@settings(max_examples=100)
def test_posteriors_are_those_of_a_log_normal_gap_to_the_ceiling(
    location: float, spread: float, above: float
) -> None:
    """Mean, deviation and expected improvement equal sums over a fine grid of w."""
    ceiling = 0.9
    posterior = ScorePosterior(np.array([location]), np.array([spread]), ceiling)
    z = np.linspace(-12, 12, 100_001)
    weights = norm.pdf(z) / norm.pdf(z).sum()
    scores = ceiling - np.exp(-(location + spread * z))
    mean = float(weights @ scores)
    deviation = float(np.sqrt(weights @ (scores - mean) ** 2))
    best = ceiling - 10.0**-above
    gained = float(weights @ np.maximum(0, scores - best))
    assert posterior.mean[0] == pytest.approx(mean, rel=1e-4, abs=1e-4)
    assert posterior.deviation[0] == pytest.approx(deviation, rel=1e-4, abs=1e-4)
    assert posterior.expected_improvement(best)[0, 0] == pytest.approx(gained, rel=1e-4, abs=1e-4)
