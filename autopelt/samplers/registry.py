"""All samplers by name.

==========  ====================================================================================
``pelt``    ours, see `pelt`
``random``  feasible by construction, about log-uniform in parameters
``tpe``     Optuna's tree-structured Parzen estimator, multivariate, budget as a constraint
``nsga2``   Optuna's NSGA-II, population of 20, budget as a constraint
``gp``      Optuna's Gaussian-process sampler, budget as a constraint
``autopeft``  SAAS by NUTS on every objective, copula transform, qNEHVI (Zhou et al., TACL 2024)
==========  ====================================================================================
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import optuna

from autopelt.errors import UsageError, did_you_mean
from autopelt.samplers.autopeft import AutoPEFTSampler
from autopelt.samplers.baselines import POPULATION, OptunaSampler
from autopelt.samplers.history import Observation
from autopelt.samplers.pelt import (
    NO_LIMITS,
    SHARE,
    START,
    FeasibleSampler,
    PELTSampler,
    RandomFeasibleSampler,
)
from autopelt.space.bound import BoundSpace

_tpe = partial(optuna.samplers.TPESampler, multivariate=True, n_startup_trials=1)
_nsga2 = partial(optuna.samplers.NSGAIISampler, population_size=POPULATION)
_gp = partial(optuna.samplers.GPSampler, n_startup_trials=1, deterministic_objective=False)

SAMPLERS: dict[str, Callable[..., FeasibleSampler]] = {
    "pelt": PELTSampler,
    "random": RandomFeasibleSampler,
    "tpe": partial(OptunaSampler, inner=_tpe),
    "nsga2": partial(OptunaSampler, inner=_nsga2),
    "gp": partial(OptunaSampler, inner=_gp, attempts=1),
    "autopeft": AutoPEFTSampler,
}


def check_sampler(name: str) -> None:
    """Raises UsageError for a name that no sampler has."""
    if name not in SAMPLERS:
        raise UsageError(f"sampler '{name}' is unknown: {did_you_mean(name, SAMPLERS)}")


def make_sampler(
    name: str,
    space: BoundSpace,
    random_seed: int,
    start: int = START,
    share: float = SHARE,
    source: Sequence[Observation] = (),
    limits: Mapping[str, float] = NO_LIMITS,
) -> FeasibleSampler:
    """The sampler of that name.

    Args:
        start: space-filling proposals of ours before its model decides.
        share: of ours, the proposals that ask for the best score and not for the front.
        source: another study's trials, for ours to learn from; the baselines do not.
        limits: the most that measured costs may be, by name.

    Raises:
        UsageError: the name is unknown.
        UnavailableError: it needs a package that is not installed.
    """
    check_sampler(name)
    ours = {"start": start, "share": share, "source": source} if name == "pelt" else {}
    return SAMPLERS[name](space, random_seed=random_seed, limits=limits, **ours)
