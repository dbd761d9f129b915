"""A study of five trials as a record: complete, over the budget, failed, running; and with more."""

from dataclasses import replace

from study_facts import config

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.methods.module import Module
from autopelt.study.facts import BackboneFacts, TaskFacts
from autopelt.study.record import Belief, StudyRecord, TrialRecord


def trial(number: int, size: int, score: float | None, **changed: object) -> TrialRecord:
    modules = tuple(Module("lora", "attention.query", layer, size) for layer in (2, 5, 6))
    made = TrialRecord(
        number,
        Architecture(modules),
        Count(size * 100, size * 100, 100_000),
        "complete" if score is not None else "running",
        score=score,
        scores=() if score is None else (score,),
        seconds={"train": 2.0},
        started=0.0,
        finished=None if score is None else 1.0,
    )
    return replace(made, **changed)  # type: ignore[arg-type]


STUDY = StudyRecord(
    name="s",
    config=config(training={"epochs": 4}),
    command="autopelt search",
    metric="accuracy",
    limit=1000,
    backbone=BackboneFacts(parameters=100_000),
    task=TaskFacts(selection=200),
    head=770,
    versions={},
    trials=(
        trial(0, 8, 0.7, label="lora-r8"),
        trial(1, 2, 0.8),
        trial(2, 20, 0.9, label="unipelt"),
        trial(3, 4, None, state="failed", reason="the loss became nan", finished=1.0),
        trial(4, 5, None),
    ),
    total=10,
)

AGAIN = replace(
    STUDY,
    trials=(
        *STUDY.trials[:4],
        trial(4, 2, 0.74, origin="repeat", repeats=1),
        trial(5, 2, 0.77, origin="repeat", repeats=1),
    ),
    beliefs={STUDY.trials[1].architecture.id: Belief(0.765, 0.012, 0.98, 3)},
)
"""The study after two more trainings of what trial 1 found."""
