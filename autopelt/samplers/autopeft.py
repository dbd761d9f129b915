"""AutoPEFT's Bayesian optimisation (Zhou et al., TACL 2024), to compare with."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from autopelt.errors import UnavailableError, parameter
from autopelt.samplers.baselines import BaselineSampler
from autopelt.samplers.history import Observation
from autopelt.samplers.local_search import Effort, Unseen, best_candidate
from autopelt.samplers.pelt import NO_LIMITS, START
from autopelt.space.bound import BoundSpace
from autopelt.space.tables import Matrix, Vector

if TYPE_CHECKING:
    import torch
    from botorch.models.fully_bayesian import SaasFullyBayesianSingleTaskGP


class AutoPEFTSampler(BaselineSampler):
    """A SAAS model by NUTS of every objective, copula transform, qNEHVI.

    Its local search is done right: it returns the best point it evaluated, about 2,000 of them.

    Args:
        limits: it proposes without regard to them.
        warmup, samples: of NUTS; thinned by 4.

    Raises:
        UnavailableError: numpyro or jax is not installed.
    """

    def __init__(
        self,
        space: BoundSpace,
        *,
        random_seed: int,
        start: int = START,
        limits: Mapping[str, float] = NO_LIMITS,
        warmup: int = 64,
        samples: int = 32,
    ) -> None:
        super().__init__(space, random_seed=random_seed, start=start, limits=limits)
        for package in ("numpyro", "jax"):
            if find_spec(package) is None:
                raise UnavailableError(
                    f"sampler 'autopeft' needs {package}; run: pip install 'autopelt[autopeft]', "
                    f"or take another {parameter('sampler')} (pelt, tpe, nsga2, gp, random)."
                )
        self.warmup, self.samples = warmup, samples

    def choose(
        self, observed: list[Observation], unseen: Unseen, rng: np.random.Generator, single: bool
    ) -> Vector:
        """Fit the models, maximise the Monte-Carlo acquisition by sampling and local search."""
        import torch

        inputs = self._inputs(np.array([o.vector for o in observed], dtype=np.int64))
        targets = _copula(observed, single)
        models = [self._fitted(inputs, column[:, None], rng) for column in targets.T]
        function = _acquisition(models, inputs, targets, int(rng.integers(2**31)))

        def acquisition(matrix: Matrix) -> NDArray[np.float64]:
            with torch.no_grad():
                parts = [function(part) for part in self._inputs(matrix)[:, None].split(256)]
            return np.asarray(torch.cat(parts).numpy())

        order = np.argsort([-o.score for o in observed])[:10]
        parents = [v for i in order if (v := observed[i].vector) is not None]
        effort = Effort(samples=200, starts=2, steps=8, pairs=20)
        return best_candidate(unseen, acquisition, parents, rng, effort)[0]

    def _inputs(self, matrix: Matrix) -> "torch.Tensor":
        """Indices as shares of the last of their dimension; (n, D)."""
        import torch

        last = np.array([max(1, len(d.values) - 1) for d in self.space.dimensions])
        return torch.from_numpy(matrix / last)

    def _fitted(
        self, inputs: "torch.Tensor", targets: "torch.Tensor", rng: np.random.Generator
    ) -> "SaasFullyBayesianSingleTaskGP":
        from botorch.fit import fit_fully_bayesian_model_nuts
        from botorch.models.fully_bayesian import SaasFullyBayesianSingleTaskGP

        model = SaasFullyBayesianSingleTaskGP(inputs, targets)
        fit_fully_bayesian_model_nuts(
            model,
            warmup_steps=self.warmup,
            num_samples=self.samples,
            thinning=4,
            disable_progbar=True,
            seed=int(rng.integers(2**31)),
        )
        return model


def _copula(observed: list[Observation], single: bool) -> "torch.Tensor":
    """Normal quantiles of the ranks of each objective, all maximised; (n, objectives)."""
    import torch
    from scipy.stats import norm, rankdata

    columns = [[o.score for o in observed]]
    if not single:
        columns.append([-float(o.parameters) for o in observed])
        columns += [[-v for v in values] for values in zip(*(o.costs for o in observed))]
    ranks = np.array([rankdata(column) / (len(observed) + 1) for column in columns])
    return torch.from_numpy(norm.ppf(ranks).T.copy())


def _acquisition(
    models: "list[SaasFullyBayesianSingleTaskGP]",
    inputs: "torch.Tensor",
    targets: "torch.Tensor",
    seed: int,
) -> "torch.nn.Module":
    """qLogNEI of one objective, qNEHVI of several."""
    import torch
    from botorch.acquisition.logei import qLogNoisyExpectedImprovement
    from botorch.acquisition.multi_objective.monte_carlo import qNoisyExpectedHypervolumeImprovement
    from botorch.models.model_list_gp_regression import ModelListGP
    from botorch.sampling.normal import SobolQMCNormalSampler

    draws = SobolQMCNormalSampler(torch.Size([64]), seed=seed)
    if len(models) == 1:
        return qLogNoisyExpectedImprovement(models[0], inputs, draws)
    return qNoisyExpectedHypervolumeImprovement(
        ModelListGP(*models),
        ref_point=[float(t) for t in targets.min(dim=0).values - 0.1],
        X_baseline=inputs,
        sampler=draws,
        prune_baseline=True,
    )
