"""Between Optuna's trials and points: what is suggested is what was proposed."""

import numpy as np
import optuna
import pytest
from closed_form import MIXED, VARIANTS, bound, point_of, run, study_of
from hypothesis import given, settings
from hypothesis import strategies as st

from autopelt.errors import UsageError
from autopelt.samplers import (
    RandomFeasibleSampler,
    check_space,
    distributions,
    params_of,
    suggest,
    vector_of,
)
from autopelt.samplers.parameters import vector_of_params

SPACES = {name: bound(name) for name in ("pelt", "autopeft", "tiny")}
SPACES["mixed"] = bound(MIXED, layers=4, hidden=64)
SPACES["variants"] = bound(VARIANTS, layers=4, hidden=64)


@pytest.mark.parametrize("name", SPACES)
@given(random_seed=st.integers(0, 999))
@settings(max_examples=15)
def test_params_and_vectors_are_the_same_thing(name: str, random_seed: int) -> None:
    space = SPACES[name]
    vector = point_of(space, np.random.default_rng(random_seed))
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


SIZED = "name: sized\nmodules:\n  - {{method: prefix, location: attention, sizes: {}}}\n"


@pytest.mark.parametrize(
    ("sizes", "layers", "choice"),
    [
        ("[0, 1, 2, 4]", 4, "0/attention:prefix"),
        ("[0, 1, 3]", 4, "its sizes"),
        ("[0, 1, 2]", 5, "4/attention:prefix"),
    ],
)
def test_a_study_whose_space_changed_is_refused(sizes: str, layers: int, choice: str) -> None:
    """More sizes, other sizes, another backbone: said before anything is proposed."""
    before = bound(SIZED.format("[0, 1, 2]"), 4, 64)
    study = study_of(RandomFeasibleSampler(before, random_seed=0))
    for _ in range(6):
        trial = study.ask()
        made = suggest(trial, before)
        trial.set_user_attr("architecture", made.to_json())
        trial.set_user_attr("origin", "start")
        study.tell(trial, [0.5, before.counter.count(made).deployed])
    check_space(study.get_trials(deepcopy=False), before)
    after = bound(SIZED.format(sizes), layers, 64)
    again = study_of(RandomFeasibleSampler(after, random_seed=0))
    again.add_trials(study.get_trials())
    with pytest.raises(UsageError, match=f"has changed.*{choice}"):
        run(again, after, 1)
