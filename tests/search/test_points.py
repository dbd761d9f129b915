"""Between Optuna's trials and points: what is suggested is what was proposed."""

import numpy as np
import optuna
import pytest
from closed_form import MIXED, bound
from hypothesis import given, settings
from hypothesis import strategies as st

from autopelt.search import distributions, params_of, suggest, vector_of
from autopelt.search.points import vector_of_params

SPACES = {name: bound(name) for name in ("pelt", "autopeft", "tiny")}
SPACES["mixed"] = bound(MIXED, layers=4, hidden=64)


@pytest.mark.parametrize("name", SPACES)
@given(random_seed=st.integers(0, 999))
@settings(max_examples=15, deadline=None)
def test_params_and_vectors_are_the_same_thing(name: str, random_seed: int) -> None:
    space = SPACES[name]
    vector = space.sample(np.random.default_rng(random_seed))
    params = params_of(vector, space)
    assert vector_of_params(params, space) == vector
    fixed = optuna.trial.FixedTrial(params)
    assert suggest(fixed, space) == space.decode(vector)  # type: ignore[arg-type]
    assert {k: v for k, v in distributions(space).items() if k in params} == fixed.distributions


def test_a_gate_is_asked_for_only_where_its_module_is() -> None:
    space = SPACES["tiny"]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        trial = study.ask()
        suggest(trial, space)
        for name, value in trial.params.items():
            assert not name.endswith(":gate") or trial.params[name.removesuffix(":gate")] > 0, value


def test_a_trial_that_the_space_cannot_express_has_no_vector() -> None:
    space = SPACES["tiny"]
    trial = optuna.trial.create_trial(
        value=0.0, user_attrs={"architecture": '{"modules":[],"learning_rate_multiplier":7.0}'}
    )
    assert vector_of(trial, space) is None
    assert vector_of(optuna.trial.create_trial(value=0.0), space) is None
