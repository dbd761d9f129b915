"""What happens while a command runs as lines of JSON, one event each: for programs that watch.

`KINDS` says what an event of a search has; docs/events.md is made of it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from autopelt.cards.expectation import measured
from autopelt.cards.verdict import lead, sentences
from autopelt.study.record import COMPLETE, FAILED, STOPPED, StudyRecord, TrialRecord
from autopelt.system.json_text import event_text
from autopelt.views.schemas import (
    Schema,
    by_name,
    fields,
    flag,
    number,
    or_null,
    several,
    text,
    whole,
)

Described = Mapping[str, tuple[Schema, Callable[..., Any]]]
"""Field of an event -> its JSON schema, and how it is taken from what the event is about."""


def _on_front(trial: TrialRecord, study: StudyRecord) -> bool:
    """Whether a trial has trained an architecture of the front."""
    ended = trial.state == COMPLETE
    return ended and any(t.architecture == trial.architecture for t in study.front)


_TRIAL: Described = {
    "trial": (whole("its number"), lambda t: t.number),
    "label": (text("name of a seed architecture, or empty"), lambda t: t.label),
    "id": (text("of the architecture"), lambda t: t.architecture.id),
    "words": (text("the architecture for a person"), lambda t: t.architecture.describe()),
    "deployed": (whole("parameters that are shipped"), lambda t: t.count.deployed),
    "trained": (whole("parameters that are trained"), lambda t: t.count.trained),
    "share": (number("deployed, of the backbone's: 0.01 is 1%"), lambda t: t.count.share),
}
_STARTED: Described = {
    "origin": (text("who asked: seed, warm, start, model or repeat"), lambda t: t.origin),
    "random_seed": (whole("of the training"), lambda t: t.random_seed),
}
_FINISHED: Described = {
    "state": (
        text("how it ended", "complete", "failed", "stopped"),
        lambda t, study: t.state,
    ),
    "score": (or_null(number("best on the selection split")), lambda t, study: t.score),
    "expected": (
        or_null(number("score that is expected of its architecture by now")),
        lambda t, study: study.expected(t),
    ),
    "repeats": (or_null(whole("the trial that it trains again")), lambda t, study: t.repeats),
    "reason": (text("of a failure, or empty"), lambda t, study: t.reason),
    "seconds": (
        or_null(number("from its start to its end")),
        lambda t, study: None if t.took is None else round(t.took, 3),
    ),
    "on_front": (flag("its architecture is on the front by now"), _on_front),
    "done": (
        whole("trials that ended so far"),
        lambda t, study: sum(o.finished is not None for o in study.trials),
    ),
    "total": (whole("trials of the study"), lambda t, study: study.total),
}


def _schemas(described: Described) -> dict[str, Schema]:
    return {name: schema for name, (schema, _) in described.items()}


def _values(described: Described, *about: object) -> dict[str, Any]:
    return {name: value(*about) for name, (_, value) in described.items()}


_BELIEVED: Described = {
    "score": (number("best on the selection split"), lambda t, study: t.score),
    "expected": (
        number("score that is expected of its architecture"),
        lambda t, study: study.expected(t),
    ),
    "expected_sd": (
        or_null(number("standard deviation of that; null with one training")),
        lambda t, study: study.belief(t).sd,
    ),
    "trainings": (whole("of its architecture"), lambda t, study: len(study.trainings_of(t))),
    "reaches": (text("all this in words"), lambda t, study: measured(study, t)),
}
SCORED = or_null(
    fields(
        _schemas(_TRIAL) | _schemas(_BELIEVED),
        "of the front, or within the budget",
        title="scored trial",
    )
)
"""A trial with its score and what is believed of its architecture."""


def _said(words: str) -> Schema:
    return {**SCORED, "description": words}


VERDICT: dict[str, Schema] = {
    "verdict": or_null(text("what the search bought, in a sentence; null before there is any")),
    "answer": by_name(text("in a sentence"), "what else there is to say, by what it is about"),
}
_DONE: Described = {
    "study": (text("its folder"), lambda record, folder: str(folder)),
    "complete": (whole("trials that ended well"), lambda record, folder: len(record.complete)),
    "failed": (
        whole("trials that failed"),
        lambda record, folder: sum(t.state == FAILED for t in record.trials),
    ),
    "stopped": (
        whole("trials that early stopping ended"),
        lambda record, folder: sum(t.state == STOPPED for t in record.trials),
    ),
    "front": (
        several(whole("number of a trial"), "the Pareto front, by growing parameters"),
        lambda record, folder: [t.number for t in record.front],
    ),
    "hypervolume": (number("of the front"), lambda record, folder: record.hypervolume()),
    "best": (
        _said("within the budget; null: none"),
        lambda record, folder: scored(record, record.best),
    ),
    "best_seed": (
        _said("of the seed architectures"),
        lambda record, folder: scored(record, record.best_seed),
    ),
    "verdict": (
        VERDICT["verdict"],
        lambda record, folder: lead(record) if record.best else None,
    ),
    "answer": (
        VERDICT["answer"],
        lambda record, folder: dict(sentences(record)) if record.best else {},
    ),
    "report": (text("the page"), lambda record, folder: str(folder / "index.html")),
}

MESSAGE: Mapping[str, Schema] = {"text": text("for a person")}
KINDS: Mapping[str, Mapping[str, Schema]] = {
    "study": {
        "study": text("its folder"),
        "trials": whole("in total"),
        "workers": whole("trials at once"),
        "task": text("its name"),
        "metric": text("name of the score; higher is better"),
        "backbone": text("its name"),
        "backbone_parameters": whole("without a task head"),
        "limit": whole("the budget in parameters"),
        "head": whole("parameters of the task head, which are apart"),
        "space": text("its name"),
    },
    "message": MESSAGE,
    "started": _schemas(_TRIAL) | _schemas(_STARTED),
    "doing": {
        "trial": or_null(whole("its number; null: the search itself")),
        "text": text("what happens now, such as: computing 4 frozen layers"),
    },
    "epoch": {
        "trial": whole("its number"),
        "epoch": whole("that ended, from 1"),
        "score": or_null(number("on the selection split; null: not finite")),
        "loss": or_null(number("mean of the epoch; null: not finite")),
    },
    "finished": _schemas(_TRIAL) | _schemas(_FINISHED),
    "done": _schemas(_DONE),
}
"""Kind of event of a search -> its fields; every event has ``event`` and ``time`` too."""


class EventView:
    """Writes an event a line, at once."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def emit(self, event: str, /, **values: Any) -> None:
        """Write an event."""
        print(event_text(event, **values), file=self.stream, flush=True)

    def message(self, text: str) -> None:
        """What the user must know."""
        self.emit("message", text=text)

    def started(self, trial: TrialRecord, study: StudyRecord) -> None:
        """A trial was handed to a worker."""
        self.emit("started", **described(trial), **_values(_STARTED, trial))

    def doing(self, number: int | None, text: str) -> None:
        """What happens now."""
        self.emit("doing", trial=number, text=text)

    def progressed(self, number: int, result: dict[str, Any]) -> None:
        """An epoch of a trial ended."""
        known = {key: result[key] for key in ("epoch", "score", "loss")}
        self.emit("epoch", trial=number, **known)

    def finished(self, trial: TrialRecord, study: StudyRecord) -> None:
        """A trial ended."""
        self.emit("finished", **described(trial), **_values(_FINISHED, trial, study))


def described(trial: TrialRecord) -> dict[str, Any]:
    """Which trial it is, and what it costs."""
    return _values(_TRIAL, trial)


def scored(study: StudyRecord, trial: TrialRecord | None) -> dict[str, Any] | None:
    """The same with its score and what is believed of its architecture; None for none."""
    return None if trial is None else described(trial) | _values(_BELIEVED, trial, study)


def end_of(record: StudyRecord, folder: Path) -> dict[str, Any]:
    """The event ``done``: what a search has come to."""
    return _values(_DONE, record, folder)
