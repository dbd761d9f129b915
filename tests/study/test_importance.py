"""Importances: what the score depends on is found, what it does not depend on is not."""

import random
from dataclasses import replace

import pytest
from sklearn.ensemble import RandomForestRegressor
from study_facts import config

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.methods.module import Module
from autopelt.study.facts import BackboneFacts, TaskFacts
from autopelt.study.importance import (
    DEPTH,
    FEWEST,
    FEWEST_APART,
    importances,
    views,
    with_importance,
)
from autopelt.study.record import StudyRecord, TrialRecord


def made_of(lora: dict[int, int], adapter: int, rate: float) -> Architecture:
    modules = [Module("lora", "attention.query", layer, r) for layer, r in lora.items() if r]
    if adapter:
        modules.append(Module("sequential_adapter", "ffn", 0, adapter))
    return Architecture(tuple(modules), rate)


def study(trials: int, score, limit: int = 10_000) -> StudyRecord:
    """Random architectures on four layers; `score` maps (lora sizes, adapter, rate) to a score."""
    rng = random.Random(3)
    made = []
    for number in range(trials):
        lora = {layer: rng.choice((0, 1, 4, 16)) for layer in range(4)}
        lora[3] = max(lora[3], 1)
        adapter, rate = rng.choice((0, 6, 24)), rng.choice((0.5, 1.0, 2.0))
        value = score(lora, adapter, rate) + rng.gauss(0, 0.01)
        architecture = made_of(lora, adapter, rate)
        made.append(TrialRecord(number, architecture, Count(100, 100, 1000), "complete", "", value))
    return StudyRecord(
        "s", config(), "", "accuracy", limit, BackboneFacts(), TaskFacts(), 0, {},
        tuple(made), trials,
    )  # fmt: skip


def of(found, by):
    return {i.name: i for i in found if i.by == by}


@pytest.fixture(scope="module")
def layer_two():
    """Only the LoRA of layer 2 matters."""
    return importances(study(80, lambda lora, adapter, rate: 0.5 + 0.01 * lora[2]), 0)


def test_the_layer_that_matters_stands_out(layer_two) -> None:
    layers = of(layer_two, "layer")
    assert set(layers) == {"0", "1", "2", "3"}
    assert layers["2"].explains > 0.8
    assert layers["2"].trend > 0.8
    assert layers["2"].apart == max(i.apart for i in layers.values())
    assert all(i.explains < 0.1 for name, i in layers.items() if name != "2")


def test_what_does_not_matter_is_no_better_than_a_random_number(layer_two) -> None:
    methods = of(layer_two, "method")
    assert methods["lora"].explains > methods["lora"].chance
    assert methods["sequential_adapter"].explains <= 2 * methods["lora"].chance


def test_less_can_be_better() -> None:
    found = importances(study(60, lambda lora, adapter, rate: 0.6 - 0.1 * rate), 0)
    rate = of(found, "choice")["learning_rate"]
    assert rate.explains > 0.7
    assert rate.trend < -0.8


def test_random_numbers_take_the_part_that_a_view_does_not_explain(layer_two) -> None:
    parts = {by: sum(i.explains for i in of(layer_two, by).values()) for by in ("layer", "choice")}
    assert 0.95 < parts["layer"] <= 1.0 + 1e-9
    assert parts["choice"] < 0.8


def test_the_same_random_seed_gives_the_same_numbers() -> None:
    record = study(20, lambda lora, adapter, rate: 0.5 + 0.01 * adapter)
    assert importances(record, 5) == importances(record, 5)
    assert importances(record, 5) != importances(record, 6)


def test_too_few_trials_or_equal_scores_say_nothing() -> None:
    record = study(FEWEST, lambda lora, adapter, rate: 0.5)
    assert importances(record, 0) != ()
    assert importances(replace(record, trials=record.trials[1:]), 0) == ()
    flat = tuple(replace(t, score=0.5) for t in record.trials)
    assert importances(replace(record, trials=flat), 0) == ()
    assert importances(replace(record, limit=50), 0) == ()


def test_few_trials_have_no_second_opinion() -> None:
    record = study(FEWEST_APART - 1, lambda lora, adapter, rate: 0.5 + 0.01 * adapter)
    assert {i.apart for i in importances(record, 0)} == {None}


def test_what_never_varies_is_left_out() -> None:
    record = study(20, lambda lora, adapter, rate: 0.5 + 0.01 * lora[0])
    same = tuple(
        replace(t, architecture=t.architecture.with_modules(t.architecture.modules))
        for t in record.trials
    )
    found = importances(replace(record, trials=same), 0)
    assert "gates" not in of(found, "choice")


def test_every_trial_is_described_by_the_same_numbers() -> None:
    record = study(10, lambda lora, adapter, rate: 0.5)
    prompt = Architecture((Module("prompt", "embeddings", None, 5),))
    trials = [*record.trials, replace(record.trials[0], number=10, architecture=prompt)]
    for rows in views(trials).values():
        assert len({tuple(row) for row in rows}) == 1
    assert views(trials)["layer"][-1]["embeddings"] == pytest.approx(2.585, abs=1e-3)
    assert views(trials)["choice"][-1]["main_method"] == "prompt"


def test_a_record_keeps_all_else() -> None:
    record = study(FEWEST, lambda lora, adapter, rate: 0.5)
    assert replace(with_importance(record, 0), importance=None) == record


def test_what_a_tree_costs_is_bounded_however_many_the_trials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It grows with the square of its leaves: at 429 trials it was 27 CPU seconds."""
    fit, leaves = RandomForestRegressor.fit, []

    def watched(forest: RandomForestRegressor, *given: object) -> RandomForestRegressor:
        fit(forest, *given)
        leaves.append(max(tree.get_n_leaves() for tree in forest.estimators_))
        return forest

    monkeypatch.setattr(RandomForestRegressor, "fit", watched)
    importances(study(150, lambda lora, adapter, rate: 0.5 + 0.01 * lora[2]), 0)
    assert 8 < max(leaves) <= 2**DEPTH
