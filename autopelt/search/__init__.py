"""The search engine: Optuna samplers over bound spaces. Knows vectors and scores, no training."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

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


class _CallablePackage(ModuleType):
    """Lets `autopelt.search("rte")` be the search, whatever was imported before."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        # By name: this package sees vectors and objectives only, and imports nothing above it.
        return import_module("autopelt.api").search(*args, **options)


# `import autopelt.search` binds this package to the name that people call.
sys.modules[__name__].__class__ = _CallablePackage
