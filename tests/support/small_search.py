"""A search of a few trials on a tiny model: its plan, and a view that keeps what it is told."""

from pathlib import Path
from typing import Any

from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.workflows.plan import Plan, make_plan
from autopelt.workflows.settings import resolve_config


class Quiet:
    """A view that keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.busy: list[tuple[int | None, str]] = []
        self.ended: list[int] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def started(self, trial: TrialRecord, study: StudyRecord) -> None: ...

    def doing(self, number: int | None, text: str) -> None:
        self.busy.append((number, text))

    def progressed(self, number: int, result: dict[str, Any]) -> None: ...

    def finished(self, trial: TrialRecord, study: StudyRecord) -> None:
        self.ended.append(trial.number)


def plan(model: Path, **changed: Any) -> Plan:
    flags = {
        "task": "demo",
        "model": str(model),
        "space": "tiny",
        "budget": "4%",
        "trials": 8,
        "epochs": 2,
        "train_examples": 64,
        "workers": 2,
    } | changed
    return make_plan(resolve_config(None, flags), "autopelt search")
