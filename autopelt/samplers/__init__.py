"""The search engine: Optuna samplers over bound spaces. Knows vectors and scores, no training."""

from autopelt.samplers.early_stopping import EarlyStopping
from autopelt.samplers.local_search import SpaceExhaustedError
from autopelt.samplers.parameters import check_space, distributions, params_of, suggest, vector_of
from autopelt.samplers.pelt import PELTSampler, RandomFeasibleSampler
from autopelt.samplers.registry import SAMPLERS, make_sampler

__all__ = [
    "SAMPLERS",
    "EarlyStopping",
    "PELTSampler",
    "RandomFeasibleSampler",
    "SpaceExhaustedError",
    "check_space",
    "distributions",
    "make_sampler",
    "params_of",
    "suggest",
    "vector_of",
]
