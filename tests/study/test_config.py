"""A configuration is checked whole, survives YAML, and says how it differs from another."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from autopelt.errors import UsageError
from autopelt.space.space import SearchSpace
from autopelt.study.config import StudyConfig, derived_seed


def config(**changed: object) -> StudyConfig:
    space = SearchSpace.load("tiny").model_dump(mode="json")
    return StudyConfig.build({"task": "demo", "space": space, "trials": 8} | changed, "test")


def test_yaml_reads_back_equal() -> None:
    made = config(budget="300k", seed_architectures=["lora-r8"], training={"epochs": 2})
    assert StudyConfig.parse(made.to_yaml(), "test") == made


def test_a_space_may_be_named_in_a_file() -> None:
    made = StudyConfig.parse("task: demo\nspace: tiny\n", "test")
    assert made.space == SearchSpace.load("tiny")


def test_all_errors_come_at_once_with_hints() -> None:
    with pytest.raises(UsageError) as error:
        config(budgt="1%", trials=0, training={"epoch": 3})
    text = str(error.value)
    assert "'budgt'" in text
    assert "did you mean 'budget'" in text
    assert "trials" in text
    assert "training.epoch" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "value", ["0", "0%", "no", "1%%", "-3", "101%", "0.5", "", "nan", "inf", True]
)
def test_a_budget_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(UsageError):
        config(budget=value)


@pytest.mark.parametrize("value", ["fast", float("nan"), float("inf"), 0, -1, [1]])
def test_a_factor_that_is_no_positive_number_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="learning_rate_factor"):
        config(training={"learning_rate_factor": value})


def test_an_exponent_in_yaml_is_a_number() -> None:
    made = StudyConfig.parse("task: demo\nspace: tiny\ntraining: {learning_rate_factor: 1e-4}", "t")
    assert made.training.learning_rate_factor == 1e-4


def test_differences_name_keys_and_leave_trials_free() -> None:
    one, two = config(), config(trials=30, workers=1)
    assert one.differences(two) == []
    assert config(budget="2%").differences(one) == ['budget: "2%", not "1%"']


def test_a_broken_file_is_one_line() -> None:
    with pytest.raises(UsageError, match="line 2"):
        StudyConfig.parse("task: demo\n  budget: [", "file 'x'")
    with pytest.raises(UsageError, match="aliases"):
        StudyConfig.parse("a: &a [1]\nb: *a\n", "file 'x'")


@given(st.text(max_size=60))
def test_parsing_never_raises_anything_else(text: str) -> None:
    try:
        StudyConfig.parse(text, "fuzz")
    except UsageError as error:
        assert "\n" not in str(error)


@given(st.integers(0, 2**31 - 1), st.integers(0, 1000))
def test_derived_seeds_are_seeds_of_their_own(seed: int, number: int) -> None:
    made = derived_seed(seed, "trial", number)
    assert 0 <= made < 2**31
    assert made == derived_seed(seed, "trial", number)
    assert made != derived_seed(seed, "trial", number + 1)


def test_the_shipped_header_is_yaml() -> None:
    assert yaml.safe_load(config().to_yaml())["task"] == "demo"


def test_a_value_that_the_message_names_is_said_once() -> None:
    with pytest.raises(UsageError) as error:
        config(objectives="scor")
    text = str(error.value)
    assert text.count("'scor'") == 1
    assert text.endswith("score.")
    assert ". (" not in text


@pytest.mark.parametrize(
    ("written", "packing"),
    [("on", "on"), ("off", "off"), ("'on'", "on"), ("auto", "auto"), ("true", "on")],
)
def test_packing_is_read_as_yaml_has_it_and_makes_another_study(written: str, packing: str) -> None:
    made = StudyConfig.parse(f"task: demo\ntraining: {{packing: {written}}}", "t")
    assert made.training.packing == packing
    assert StudyConfig.parse(made.to_yaml(), "t") == made
    changed = made.training.model_copy(update={"gradient_checkpointing": True})
    assert made.differences(made.model_copy(update={"training": changed}))
    with pytest.raises(UsageError, match="packing"):
        config(training={"packing": "some"})
