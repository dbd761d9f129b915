"""What every sampler must do, ours and the rivals: the same suite for all of them."""

import math
import warnings
from importlib.util import find_spec
from typing import Any

import optuna
import pytest
from closed_form import FOUR, MIXED, VARIANTS, bound, points_near, run, score_of, study_of
from optuna.trial import TrialState

from autopelt.architecture.architecture import Architecture
from autopelt.errors import UnavailableError, UsageError
from autopelt.samplers import SAMPLERS, SpaceExhaustedError, make_sampler, suggest
from autopelt.samplers import local_search as candidates
from autopelt.samplers.pelt import FeasibleSampler
from autopelt.space.bound import BoundSpace

NAMES = [
    name
    if name != "autopeft" or (find_spec("numpyro") and find_spec("jax"))
    else pytest.param(name, marks=pytest.mark.skip("numpyro and jax are not installed"))
    for name in SAMPLERS
]
SPACES = {
    "pelt": lambda: bound("pelt", 2, 64, 20_000),
    "autopeft": lambda: bound("autopeft", 3, 64, 20_000),
    "lora": lambda: bound("lora", 2, 64, 8_000),
    "mixed": lambda: bound(MIXED, 4, 64),
    "variants": lambda: bound(VARIANTS, 4, 64),
}
ISLANDS = (
    "name: islands\nmodules:\n"
    + "".join(
        f"  - {{method: {method}, location: {at}, sizes: [0, {size}], layers: '0'}}\n"
        for method, at, size in (
            ("lora", "attention.query", 1),
            ("lora", "attention.key", 1),
            ("lora", "attention.value", 1),
            ("lora", "attention.output", 1),
            ("prefix", "attention", 1),
        )
    )
    + "  - {method: prompt, location: embeddings, sizes: [0, 2]}\n"
)
"""Six modules of one price, each a row of its own: nothing moves between rows."""

pytestmark = pytest.mark.parametrize("name", NAMES)


def make(name: str, space: BoundSpace, random_seed: int = 0, **more: Any) -> FeasibleSampler:
    """The sampler, which decides for itself after four proposals."""
    sampler = make_sampler(name, space, random_seed, **more)
    vars(sampler)["start"] = 4
    if name == "autopeft":  # a rough fit obeys the contract too
        vars(sampler).update(warmup=4, samples=4)
    return sampler


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", SPACES)
def test_proposals_are_feasible_new_and_what_is_told_was_trained(
    name: str, kind: str, objectives: int
) -> None:
    if name in ("gp", "autopeft") and (kind != "pelt" or objectives in (1, 4)):
        pytest.skip("slow sampler: one space, two and three objectives stand for all")
    if objectives > 2 and kind in ("autopeft", "lora"):
        pytest.skip("more objectives: two spaces stand for all")
    space = SPACES[kind]()
    study = study_of(make(name, space), objectives)
    made = run(study, space, 7)
    assert len(set(made)) == 7
    for architecture, trial in zip(made, study.trials, strict=True):
        count = space.counter.count(architecture).deployed
        assert 0 < count <= space.limit
        assert space.decode(space.encode(architecture)).id == architecture.id
        assert Architecture.from_json(trial.user_attrs["architecture"]).id == architecture.id
        assert len(trial.values) == objectives


def test_proposals_are_reproducible_from_the_random_seed(name: str) -> None:
    def proposals(random_seed: int) -> list[Architecture]:
        space = SPACES["pelt"]()
        return run(study_of(make(name, space, random_seed)), space, 5)

    assert proposals(1) == proposals(1)
    assert proposals(1) != proposals(2)


def test_failed_and_nan_trainings_are_survived(name: str) -> None:
    space = SPACES["pelt"]()
    count = iter(range(99))
    made = run(
        study_of(make(name, space)), space, 7,
        lambda a: math.nan if next(count) % 2 else score_of(a),
    )  # fmt: skip
    assert len(set(made)) == 7


def test_trials_stopped_early_are_survived(name: str) -> None:
    """Every other trial ends as Optuna's PRUNED: one with its scores, one without any."""
    space = SPACES["pelt"]()
    study = study_of(make(name, space))
    made = []
    for n in range(8):
        trial = study.ask()
        made.append(suggest(trial, space))
        trial.set_user_attr("architecture", made[-1].to_json())
        score = score_of(made[-1])
        if n % 2:
            trial.set_user_attr("scores", [score - 0.1] if n % 4 == 1 else [])
            study.tell(trial, state=TrialState.PRUNED)
        else:
            trial.set_user_attr("scores", [score - 0.1, score])
            study.tell(trial, [score, space.counter.count(made[-1]).deployed])
    assert len(set(made)) == 8


def test_limits_on_measured_costs_are_survived(name: str) -> None:
    """Half of what is trained breaks one."""
    space = SPACES["pelt"]()
    sampler = make(name, space, limits={"latency": 1.2, "memory": 130.0})
    assert len(set(run(study_of(sampler, 3), space, 7))) == 7


def test_equal_observations_are_survived(name: str) -> None:
    space = SPACES["pelt"]()
    assert len(set(run(study_of(make(name, space)), space, 6, lambda a: 0.5))) == 6


def test_one_observation_is_enough_to_go_on(name: str) -> None:
    space = SPACES["pelt"]()
    sampler = make(name, space)
    vars(sampler)["start"] = 0
    assert len(set(run(study_of(sampler), space, 3))) == 3


def test_the_search_ends_when_the_space_is_exhausted(name: str) -> None:
    space = bound(FOUR, layers=2, hidden=64)
    study = study_of(make(name, space))
    made = run(study, space, 4)
    assert len(set(made)) == 4
    with pytest.raises(SpaceExhaustedError, match="every architecture of space 'four'"):
        run(study, space, 1)


def test_neighbours_may_all_be_infeasible(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of six equal modules, no more and no less: every single change leaves the budget."""
    monkeypatch.setattr(candidates, "LISTED", 5)  # so that it is searched, not listed
    price = bound(ISLANDS, 2, 64, 10**6).smallest
    space = bound(ISLANDS, 2, 64, 3 * price, 3 * price)
    made = run(study_of(make(name, space)), space, 6)
    assert len(set(made)) == 6
    for architecture in made:
        assert len(architecture.modules) == 3
        assert points_near(space, space.encode(architecture)) == []


def test_a_space_with_a_single_architecture(name: str) -> None:
    text = "modules:\n  - {method: prefix, location: attention, sizes: [0, 3], layers: '0'}\n"
    space = bound(text, layers=2, hidden=64)
    study = study_of(make(name, space))
    assert len(run(study, space, 1)) == 1
    with pytest.raises(SpaceExhaustedError):
        run(study, space, 1)


def test_it_works_in_anybodys_study(name: str) -> None:
    """Plain `optimize`, without the attribute that autopelt's driver writes."""
    space = SPACES["lora"]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = study_of(make(name, space))

    def train(trial: optuna.Trial) -> tuple[float, float]:
        architecture = suggest(trial, space)
        return score_of(architecture), space.counter.count(architecture).deployed

    study.optimize(train, n_trials=5)
    assert len({tuple(sorted(t.params.items())) for t in study.trials}) == 5


def test_unknown_samplers_are_refused(name: str) -> None:
    space = SPACES["pelt"]()
    with pytest.raises(UsageError, match=f"did you mean '{name}'"):
        make_sampler(f"{name}x", space, 0)


def test_a_missing_package_names_the_way_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autopelt.samplers.autopeft.find_spec", lambda package: None)
    if name == "autopeft":
        with pytest.raises(UnavailableError, match=r"autopelt\[autopeft\]"):
            make_sampler(name, SPACES["pelt"](), 0)
    else:
        make_sampler(name, SPACES["pelt"](), 0)
