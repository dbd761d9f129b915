"""Each option is described once, lands somewhere, and says the default that holds."""

import dataclasses
import re

import click
import pytest

from autopelt.cli.main import cli
from autopelt.space.space import SearchSpace
from autopelt.study.config import StudyConfig, TrainingConfig
from autopelt.tasks import make_task
from autopelt.tasks.task_file import TaskFile
from autopelt.workflows.options import OPTIONS, THE_TASKS, Option
from autopelt.workflows.pretrain import Pretraining
from autopelt.workflows.settings import resolve_config

HOMES = {"study": StudyConfig, "training": TrainingConfig, "own data": TaskFile}


def landing(option: Option) -> str:
    return option.field or option.name


def default_in(help_text: str) -> str | None:
    found = re.search(r"\[default: (.*)\]$", help_text)
    return found and found.group(1)


@pytest.mark.parametrize("option", OPTIONS.values(), ids=OPTIONS)
def test_an_option_has_words_and_the_default_of_the_field_where_it_lands(option: Option) -> None:
    assert option.words.endswith(".")
    if option.lands == "running":
        return
    field = HOMES[option.lands].model_fields[landing(option)]
    if option.lands != "own data" and not field.is_required():
        assert str(field.get_default(call_default_factory=True)) == str(option.default)
    if not option.otherwise and option.lands != "own data":
        shown = "no" if option.default is False else option.default
        assert default_in(option.help) == (None if shown is None else str(shown))


@pytest.mark.parametrize(
    ("lands", "without"),
    [("study", {"training", "own_loop"}), ("own data", {"name", "max_length"})],
)
def test_everything_that_a_study_or_a_task_has_is_an_option(lands: str, without: set[str]) -> None:
    options = {landing(option) for option in OPTIONS.values() if option.lands == lands}
    assert options == set(HOMES[lands].model_fields) - without


@pytest.mark.parametrize("name", ["demo", "rte"])
def test_a_task_decides_where_the_help_says_so_and_nowhere_else(name: str) -> None:
    task, config = make_task(name), resolve_config(None, {"task": name, "space": "tiny"})
    usual = {
        "trials": task.usual_trials,
        "epochs": task.usual_epochs,
        "batch_size": task.usual_batch,
        "learning_rate_factor": task.usual_factor,
        "max_length": None,  # looked up when a trial begins
    }
    assert {n for n, o in OPTIONS.items() if o.otherwise == THE_TASKS} == set(usual)
    for option in OPTIONS.values():
        if option.lands in ("study", "training") and option.name not in (
            "task",
            "space",
            "workers",
        ):
            part = config if option.lands == "study" else config.training
            expected = usual.get(option.name, option.default)
            assert str(getattr(part, landing(option))) == str(expected), option.name


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
def test_what_may_change_while_a_study_goes_on_is_what_resume_takes() -> None:
    space = SearchSpace.load("tiny").model_dump(mode="json")
    config = StudyConfig.build({"task": "demo", "space": space}, "test")
    for option in OPTIONS.values():
        if option.lands == "study" and option.name != "space":
            other = config.model_copy(update={landing(option): "another"})
            assert (config.differences(other) == []) == option.free, option.name
    resume = cli.get_command(click.Context(cli), "resume")
    taken = {p.name for p in resume.params} - {"study", "json", "ray_address"}
    assert taken == {name for name, option in OPTIONS.items() if option.free}


def test_pretraining_says_its_own_defaults() -> None:
    pretrain = cli.get_command(click.Context(cli), "pretrain")
    helps = {p.name: p.help for p in pretrain.params}
    for field in dataclasses.fields(Pretraining):
        assert float(default_in(helps[field.name]) or "nan") == field.default, field.name
