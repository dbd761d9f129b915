"""What makes trials of one study incomparable is told; what an older study never knew is not."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from small_record import STUDY
from study_facts import FACTS

from autopelt.study.facts import TaskFacts, WarmStartFacts
from autopelt.study.record import StudyRecord
from autopelt.workflows.compatibility import changed_facts, changed_versions

WARM = WarmStartFacts(
    study="s", task="t", backbone="b", trials=3, early=1, left_out=0, hash="a" * 64
)


def plan(**changed: Any) -> Any:
    """As far as these look at a plan."""
    return SimpleNamespace(facts=FACTS.model_copy(update=changed))


def record(**changed: Any) -> StudyRecord:
    known = {"task": FACTS.task, "backbone": FACTS.backbone, "versions": dict(FACTS.versions)}
    return replace(STUDY, **(known | changed))


def test_the_same_is_no_change() -> None:
    assert changed_facts(record(), plan()) == []
    assert changed_versions(record(), plan()) == ""


@pytest.mark.parametrize(
    ("what", "key", "value"),
    [("task", "labels", ("a", "b")), ("backbone", "parameters", 1)],
)
def test_each_guarded_fact_is_told_with_both_values(what: str, key: str, value: object) -> None:
    mine = getattr(FACTS, what)
    before = mine.model_copy(update={key: value})
    before.model_fields_set.add(key)
    told = changed_facts(record(**{what: before}), plan())
    assert told == [f"{what} {key}: {value}, now {getattr(mine, key)}"]


def test_what_is_only_words_may_change() -> None:
    told = record(task=FACTS.task.model_copy(update={"title": "Another title"}))
    assert changed_facts(told, plan()) == []


def test_what_an_older_study_did_not_know_is_no_change() -> None:
    task = TaskFacts.model_validate({"name": "demo"})
    assert changed_facts(record(task=task), plan()) == []


def test_a_lost_or_changed_warm_start_is_told_briefly() -> None:
    (lost,) = changed_facts(record(warm_start=WARM), plan())
    assert lost == f"warm_start hash: {'a' * 37}..., now None"
    other = WARM.model_copy(update={"hash": "b" * 64})
    assert len(changed_facts(record(warm_start=WARM), plan(warm_start=other))) == 1
    assert changed_facts(record(warm_start=WARM), plan(warm_start=WARM)) == []


def test_versions_are_compared_where_both_know_them() -> None:
    now = plan(versions={"torch": "2.13.0", "ray": "2.60.0"})
    before = record(versions={"torch": "2.12.0", "ray": "2.60.0", "gone": "1"})
    assert changed_versions(before, now) == "torch 2.12.0, now 2.13.0"
