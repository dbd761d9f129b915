"""The surrogate: exact, against gpytorch's own; finds outliers; has fantasies of pending trials."""

import math

import gpytorch
import numpy as np
import pytest
import torch
from botorch.acquisition import qLogExpectedImprovement
from botorch.sampling import SobolQMCNormalSampler

from autopelt.samplers.surrogate import Surrogate

GROUPS = [slice(0, 3), slice(3, 5), slice(5, 6)]
RAW = 6


def data(n: int, noise: float = 0.05, random_seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(random_seed)
    x = rng.normal(0, 0.5, (n, 6 + RAW))
    y = 0.7 + 0.1 * np.tanh(x[:, :3].sum(1)) + 0.05 * x[:, 8] + 0.02 * noise * rng.normal(size=n)
    return x, y


@pytest.mark.parametrize("pending", [0, 3])
def test_prediction_is_botorchs(pending: int) -> None:
    """The fast path equals the model's own posterior, also with an outlier and pending trials."""
    x, y = data(30)
    y[4] = 0.2
    ours = Surrogate(x, y, GROUPS, RAW, steps=10).fantasized(data(pending, random_seed=3)[0])
    new = data(7, random_seed=5)[0]
    found = ours.predict(new)
    with torch.no_grad(), gpytorch.settings.fast_pred_var(False):
        wanted = ours.posterior(torch.tensor(new))
        assert np.allclose(found.mean, wanted.mean[:, 0], atol=1e-6)
        assert np.allclose(found.deviation, wanted.variance[:, 0].sqrt(), atol=1e-6)
        together = wanted._posterior.distribution.covariance_matrix.numpy()
    slope = (ours.ceiling - found.mean) * ours.outcome_transform.unit
    assert np.allclose(ours.covariance(new), together * np.outer(slope, slope), atol=1e-8)


def test_any_acquisition_function_of_botorch_works() -> None:
    """Expected improvement by sampling the posterior agrees with the closed form."""
    x, y = data(30)
    ours, new = Surrogate(x, y, GROUPS, RAW, steps=10), data(6, random_seed=5)[0]
    sampler = SobolQMCNormalSampler(torch.Size([4096]), seed=0)
    sampled = qLogExpectedImprovement(ours, best_f=float(y.mean()), sampler=sampler)
    with torch.no_grad():
        found = sampled(torch.tensor(new)[:, None]).exp().numpy()
    exact = ours.predict(new).expected_improvement(float(y.mean()))[:, 0]
    assert found == pytest.approx(exact, rel=0.05, abs=1e-4)


def test_the_gradient_is_the_derivative_of_botorchs_marginal_likelihood() -> None:
    x, y = data(25)
    model = Surrogate(x, y, GROUPS, RAW, steps=0)
    begin = model.hyperparameters.values
    begin = begin + np.random.default_rng(0).normal(0, 0.2, len(begin))

    def value(at: np.ndarray) -> float:
        model._load(at)
        model.train()
        with torch.no_grad():
            scores = model.likelihood(model(*model.train_inputs), *model.train_inputs)
            found = scores.log_prob(model.train_targets) + 0.5 * len(y) * math.log(2 * math.pi)
            return -float(
                found + sum(p.log_prob(c(m)).sum() for _, m, p, c, _ in model.named_priors())
            )

    model._load(begin)
    found, gradients = model._objective()
    gradient = torch.cat([g.ravel() for g in gradients]).numpy()
    assert float(found) == pytest.approx(value(begin), rel=1e-6)
    for i in range(len(begin)):
        step = np.zeros_like(begin)
        step[i] = 1e-5
        slope = (value(begin + step) - value(begin - step)) / 2e-5
        assert gradient[i] == pytest.approx(slope, rel=1e-4, abs=1e-5)


def test_fitting_helps_and_a_warm_fit_is_as_good() -> None:
    x, y = data(60)
    new, truth = data(100, noise=0, random_seed=9)
    cold = Surrogate(x, y, GROUPS, RAW)
    warm = Surrogate(x, y, GROUPS, RAW, start=cold.hyperparameters, steps=5)
    errors = [float(np.mean((m.predict(new).mean - truth) ** 2)) for m in (cold, warm)]
    assert errors[0] < 0.25 * truth.var()
    assert errors[1] < 1.1 * errors[0]


def test_failed_trainings_are_found_and_others_are_not() -> None:
    """Two of 50 fall to chance: both are outliers, and predictions around them stay."""
    x, y = data(50)
    y[[7, 31]] = 0.3
    model = Surrogate(x, y, GROUPS, RAW)
    assert set(np.flatnonzero(model.outliers)) == {7, 31}
    assert np.abs(model.predict(x[[7, 31]]).mean - 0.7).max() < 0.2


def test_several_failed_trainings_do_not_hide_each_other() -> None:
    """Six of 50, two of them neighbours, where the others all are about as good."""
    x, y = data(50)
    failed = [3, 7, 12, 31, 40, 44]
    x[44] = x[40] + 0.01
    y[failed] = 0.3
    model = Surrogate(x, y, GROUPS, RAW)
    assert set(np.flatnonzero(model.outliers)) == set(failed)
    assert np.abs(model.predict(x[failed]).mean - 0.7).max() < 0.2


def test_what_failed_every_time_is_no_chance() -> None:
    """One architecture, trained twice, both far below what the others foretell."""
    x, y = data(50)
    x[31] = x[7]
    y[[7, 31, 12]] = 0.3
    model = Surrogate(x, y, GROUPS, RAW)
    assert set(np.flatnonzero(model.outliers)) == {12}
    assert model.predict(x[[7]]).mean[0] < 0.4


def test_a_low_score_that_is_sure_is_believed() -> None:
    x, y = data(50)
    y[[7, 31]] = 0.3
    model = Surrogate(x, y, GROUPS, RAW, sure=np.arange(50) == 7)
    assert set(np.flatnonzero(model.outliers)) == {31}
    assert model.predict(x[[7]]).mean[0] < 0.4


def test_surprisingly_good_scores_are_believed() -> None:
    """The guard has one side: nothing that is better than expected is thrown away."""
    x, y = data(50)
    y[7] = 1.4
    assert not Surrogate(x, y, GROUPS, RAW).outliers[7]


def test_fantasies_of_pending_trials_keep_means_and_shrink_deviations() -> None:
    x, y = data(40)
    model = Surrogate(x, y, GROUPS, RAW, steps=10)
    pending, new = data(3, random_seed=3)[0], data(20, random_seed=4)[0]
    before = model.predict(new)
    assert model.fantasized(pending[:0]) is model
    model = model.fantasized(pending)
    after = model.predict(new)
    assert np.allclose(before.location, after.location, atol=1e-9)
    assert (after.spread <= before.spread + 1e-12).all()
    assert model.predict(pending).spread.max() < 0.9 * before.spread.max()


@pytest.mark.parametrize("scores", [[0.5], [0.5, 0.5, 0.5], [0.5, 0.5, 0.9]])
def test_one_observation_and_equal_ones_work(scores: list[float]) -> None:
    x = data(len(scores))[0]
    found = Surrogate(x, np.array(scores), GROUPS, RAW).predict(data(5)[0])
    assert np.isfinite(found.mean).all()
    assert (found.deviation > 0).all()


def test_noise_of_single_observations_counts() -> None:
    """A score that is known to be poor weighs less."""
    x, y = data(20)
    x = np.concatenate([x, x[:1]])
    y = np.concatenate([y, [y[0] + 0.3]])
    trusted = Surrogate(x, y, GROUPS, RAW, steps=0).predict(x[:1]).mean
    extra = np.zeros(21)
    extra[20] = 1.0
    doubted = Surrogate(x, y, GROUPS, RAW, variances=extra, steps=0).predict(x[:1]).mean
    assert abs(doubted[0] - y[0]) < abs(trusted[0] - y[0])
    assert math.isfinite(trusted[0])


def test_a_saturating_score_is_given_a_near_ceiling() -> None:
    """The evidence prefers the link under which the scores are a smooth process."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 0.5, (60, 6 + RAW))
    amount = 2 + 2 * np.tanh(x[:, :3].sum(1))
    y = 0.5 + 0.3 * (1 - np.exp(-amount)) + 0.001 * rng.normal(size=60)
    near, far = (Surrogate(x, y, GROUPS, RAW, gap=gap) for gap in (0.1, 10.0))
    assert near.evidence > far.evidence
    straight = 0.5 + 0.1 * x[:, :3].sum(1) + 0.001 * rng.normal(size=60)
    near, far = (Surrogate(x, straight, GROUPS, RAW, gap=gap) for gap in (0.1, 10.0))
    assert near.evidence < far.evidence
