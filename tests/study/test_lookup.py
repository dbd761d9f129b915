"""STUDY, STUDY:TRIAL, a file and a seed name mean what they say, and anything else is an error."""

import json
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from study_facts import FACTS

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.shapes import shapes_of_config
from autopelt.errors import InfeasibleError, UsageError
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes
from autopelt.space.space import SearchSpace
from autopelt.study.config import StudyConfig
from autopelt.study.lookup import choose_trial, find_architecture, split_study
from autopelt.study.storage import StudyStorage


def lora(rank: int) -> Architecture:
    return Architecture((Module("lora", "attention.query", 0, rank),))


@pytest.fixture
def shapes(tiny_bert: Path) -> Shapes:
    from transformers import AutoConfig

    return shapes_of_config(AutoConfig.from_pretrained(tiny_bert))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Ranks 1, 4, 8 with scores that make rank 4 the knee and rank 8 the best; rank 20 is over."""
    space = SearchSpace.load("tiny").model_dump(mode="json")
    config = StudyConfig.build({"task": "demo", "space": space, "trials": 9}, "test")
    folder = tmp_path / "a:study"
    made = StudyStorage.create(folder, config, FACTS, optuna.samplers.RandomSampler(seed=0))
    for rank, score in ((1, 0.5), (4, 0.79), (8, 0.8), (20, 0.9)):
        count = rank * 32
        number = made.add(
            {"architecture": lora(rank).to_json(), "trained": count, "deployed": count}, {}, {}
        )
        made.complete(number, score, count)
    return folder


@pytest.mark.parametrize(
    ("which", "rank"), [("", 8), (":best", 8), (":knee", 4), (":0", 1), (":3", 20)]
)
def test_a_trial_of_a_study(study: Path, shapes: Shapes, which: str, rank: int) -> None:
    found = find_architecture(f"{study}{which}", shapes)
    assert found.architecture == lora(rank)
    assert found.trial is not None
    assert found.trial.architecture == lora(rank)
    assert found.study is not None


def test_the_smallest_that_is_as_good_as_the_best(study: Path, shapes: Shapes) -> None:
    # One standard error of 0.8 over the facts' selection split is more than 0.01, less than 0.3.
    assert find_architecture(f"{study}:smallest", shapes).architecture == lora(4)
    record = StudyStorage.open(study).record()
    exact = replace(record, config=record.config.model_copy(update={"margin": 0.001}))
    assert choose_trial(exact, "smallest").architecture == lora(8)
    unknown = replace(record, metric="no_share")
    with pytest.raises(InfeasibleError, match="cannot tell what is as good"):
        choose_trial(unknown, "smallest")


def test_what_is_confirmed_comes_by_the_selection_split(study: Path, shapes: Shapes) -> None:
    with pytest.raises(InfeasibleError, match="first: autopelt confirm STUDY"):
        find_architecture(f"{study}:confirmed", shapes)
    lines = [
        {"trial": trial, "role": "found", "random_seed": seed, "score": report, "selection": score}
        for trial, report, score in ((1, 0.7, 0.79), (2, 0.9, 0.7))
        for seed in (11, 12)
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (study / "confirmed.jsonl").write_text(text, encoding="utf-8")
    found = find_architecture(f"{study}:confirmed", shapes)
    assert found.architecture == lora(4)
    assert find_architecture(str(study), shapes).architecture == lora(8)


def test_an_architecture_by_its_id(study: Path, shapes: Shapes) -> None:
    found = find_architecture(f"{study}:{lora(4).id}", shapes)
    assert found.trial is not None
    assert found.trial.number == 1


def test_a_colon_in_the_name_of_a_study_is_no_trial(study: Path) -> None:
    assert split_study(str(study)) == (study, "")
    assert split_study(f"{study}:2") == (study, "2")
    assert split_study("unipelt") is None
    assert split_study(str(study.parent)) is None


def test_an_unknown_trial_names_those_that_are(study: Path, shapes: Shapes) -> None:
    with pytest.raises(UsageError, match=r"no trial '9'; its trials are 0 to 3\. .*knee"):
        find_architecture(f"{study}:9", shapes)


def test_a_study_without_a_result_says_what_to_do(study: Path) -> None:
    opened = StudyStorage.open(study)
    record = opened.record()
    empty = type(record)(**{**vars(record), "trials": ()})
    with pytest.raises(InfeasibleError, match=r"open_study\('STUDY'\)\.resume\(\)"):
        choose_trial(empty, "knee")


def test_a_file_a_folder_and_a_name(tmp_path: Path, shapes: Shapes) -> None:
    (tmp_path / "architecture.yaml").write_text(lora(3).to_yaml())
    for name in (tmp_path, tmp_path / "architecture.yaml"):
        assert find_architecture(str(name), shapes).architecture == lora(3)
    assert find_architecture("lora-r2", shapes).architecture.modules[0].size == 2


@pytest.mark.parametrize("name", ["reports/nowhere", "nowhere:best"])
def test_a_study_that_is_not_there_is_no_seed_architecture(name: str, shapes: Shapes) -> None:
    with pytest.raises(UsageError, match=f"'{name}' does not exist; give a study, STUDY:TRIAL"):
        find_architecture(name, shapes)
