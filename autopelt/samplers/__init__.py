"""The search engine: Optuna samplers over bound spaces. Knows vectors and scores, no training.

pelt: the sampler; baselines, autopeft: those it is held against; registry: all by name;
parameters: vectors as an Optuna study has them; history: what was observed; features, kernel,
ceiling, surrogate, collapse, model, posterior, curves: what is believed; start, acquisition,
factors, cost_model, local_search: what to try; repeats: what to train again; early_stopping: what
to stop.
"""

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
