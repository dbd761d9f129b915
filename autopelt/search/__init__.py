"""The search engine: Optuna samplers over bound spaces. Knows vectors and scores, no training."""

from autopelt.search.candidates import SpaceExhaustedError
from autopelt.search.points import check_space, distributions, params_of, suggest, vector_of
from autopelt.search.rivals import SAMPLERS, make_sampler
from autopelt.search.sampler import PELTSampler, RandomFeasibleSampler
from autopelt.search.stopping import EarlyStopping

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
