"""The surrogate: exact, against gpytorch's own; finds outliers; believes pending trials."""

import math

import numpy as np
import pytest
import torch

from autopelt.search.surrogate import HybridKernel, Surrogate, gpytorch

GROUPS = [slice(0, 3), slice(3, 5), slice(5, 6)]
RAW = 6


def data(n: int, noise: float = 0.05, random_seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(random_seed)
    x = rng.normal(0, 0.5, (n, 6 + RAW))
    y = 0.7 + 0.1 * np.tanh(x[:, :3].sum(1)) + 0.05 * x[:, 8] + 0.02 * noise * rng.normal(size=n)
    return x, y


def test_prediction_is_gpytorchs() -> None:
    """Mean and deviation equal an ExactGP with the same kernel, noise and data."""
    x, y = data(30)
    ours = Surrogate(x, y, GROUPS, RAW, steps=10)
    assert not ours.outliers.any()

    class Exact(gpytorch.models.ExactGP):
        def __init__(self, likelihood: torch.nn.Module) -> None:
            super().__init__(
                torch.tensor(x), (torch.tensor(y) - ours.centre) / ours.unit, likelihood
            )
            self.mean_module = gpytorch.means.ZeroMean()
            self.covar_module = ours.kernel

        def forward(self, points: torch.Tensor) -> object:
            return gpytorch.distributions.MultivariateNormal(
                self.mean_module(points), self.covar_module(points)
            )

    noise = ours._noise().detach()
    exact = Exact(gpytorch.likelihoods.FixedNoiseGaussianLikelihood(noise)).double().eval()
    new = data(7, random_seed=5)[0]
    with torch.no_grad(), gpytorch.settings.fast_pred_var(False):
        wanted = exact(torch.tensor(new))
        mean, deviation = ours.predict(new)
        assert np.allclose(mean, wanted.mean.numpy() * ours.unit + ours.centre, atol=1e-6)
        assert np.allclose(deviation, wanted.variance.sqrt().numpy() * ours.unit, atol=1e-6)


def test_the_gradient_is_the_derivative() -> None:
    x, y = data(25)
    model = Surrogate(x, y, GROUPS, RAW, steps=0)
    begin = model.fit.values + np.random.default_rng(0).normal(0, 0.2, len(model.fit.values))
    _, gradient = model._objective(begin)
    for i in range(len(begin)):
        step = np.zeros_like(begin)
        step[i] = 1e-5
        up, down = model._objective(begin + step)[0], model._objective(begin - step)[0]
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-5)


def test_kernel_matrices_are_positive_and_agree_with_their_diagonal() -> None:
    x = torch.tensor(data(40)[0])
    kernel = HybridKernel(GROUPS, RAW)
    with torch.no_grad():
        matrix = kernel.forward(x, x)
        assert torch.linalg.eigvalsh(matrix).min() > -1e-9
        assert torch.allclose(matrix.diagonal(), kernel.forward(x, x, diag=True), atol=1e-6)


def test_fitting_helps_and_a_warm_fit_is_as_good() -> None:
    x, y = data(60)
    new, truth = data(100, noise=0, random_seed=9)
    cold = Surrogate(x, y, GROUPS, RAW)
    warm = Surrogate(x, y, GROUPS, RAW, start=cold.fit, steps=5)
    errors = [float(np.mean((m.predict(new)[0] - truth) ** 2)) for m in (cold, warm)]
    assert errors[0] < 0.25 * truth.var()
    assert errors[1] < 1.1 * errors[0]


def test_failed_trainings_are_found_and_others_are_not() -> None:
    """Two of 50 fall to chance: both are outliers, and predictions around them stay."""
    x, y = data(50)
    y[[7, 31]] = 0.3
    model = Surrogate(x, y, GROUPS, RAW)
    assert set(np.flatnonzero(model.outliers)) == {7, 31}
    assert np.abs(model.predict(x[[7, 31]])[0] - 0.7).max() < 0.2


def test_surprisingly_good_scores_are_believed() -> None:
    """The guard has one side: nothing that is better than expected is thrown away."""
    x, y = data(50)
    y[7] = 1.4
    assert not Surrogate(x, y, GROUPS, RAW).outliers[7]


def test_believing_pending_trials_keeps_means_and_shrinks_deviations() -> None:
    x, y = data(40)
    model = Surrogate(x, y, GROUPS, RAW, steps=10)
    pending, new = data(3, random_seed=3)[0], data(20, random_seed=4)[0]
    mean, deviation = model.predict(new)
    model.believe(pending)
    model.believe(pending[:0])
    mean_after, deviation_after = model.predict(new)
    assert np.allclose(mean, mean_after, atol=1e-9)
    assert (deviation_after <= deviation + 1e-12).all()
    assert model.predict(pending)[1].max() < 0.9 * deviation.max()
    again = Surrogate(
        np.concatenate([x, pending]),
        np.concatenate([y, model.predict(pending)[0]]),
        GROUPS, RAW, start=model.fit, steps=0,
    )  # fmt: skip
    factor = again.unit / model.unit  # the scale of the scores moved a little
    assert np.allclose(again.predict(new)[1] / factor, deviation_after, rtol=1e-3)


@pytest.mark.parametrize("scores", [[0.5], [0.5, 0.5, 0.5], [0.5, 0.5, 0.9]])
def test_one_observation_and_equal_ones_work(scores: list[float]) -> None:
    x = data(len(scores))[0]
    mean, deviation = Surrogate(x, np.array(scores), GROUPS, RAW).predict(data(5)[0])
    assert np.isfinite(mean).all()
    assert (deviation > 0).all()


def test_noise_of_single_observations_counts() -> None:
    """A score that is known to be poor weighs less."""
    x, y = data(20)
    x = np.concatenate([x, x[:1]])
    y = np.concatenate([y, [y[0] + 0.3]])
    trusted = Surrogate(x, y, GROUPS, RAW, steps=0).predict(x[:1])[0]
    extra = np.zeros(21)
    extra[20] = 1.0
    doubted = Surrogate(x, y, GROUPS, RAW, extra=extra, steps=0).predict(x[:1])[0]
    assert abs(doubted[0] - y[0]) < abs(trusted[0] - y[0])
    assert math.isfinite(trusted[0])
