"""What happens in a search as lines of JSON, one event each: for programs that watch.

`SCHEMA` says what an event has; `docs/events.md` says it in words.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from autopelt.cards.expectation import measured
from autopelt.cards.verdict import lead, sentences
from autopelt.study.record import COMPLETE, FAILED, STOPPED, StudyRecord, TrialRecord

_NUMBER, _WHOLE, _TEXT = {"type": "number"}, {"type": "integer"}, {"type": "string"}
_SCORE = {"type": ["number", "null"]}

Described = Mapping[str, tuple[Mapping[str, Any], Callable[..., Any]]]
"""Field of an event -> its JSON schema, and how it is taken from what the event is about."""


def _on_front(trial: TrialRecord, study: StudyRecord) -> bool:
    """Whether a trial has trained an architecture of the front."""
    ended = trial.state == COMPLETE
    return ended and any(t.architecture == trial.architecture for t in study.front)


_TRIAL: Described = {
    "trial": (_WHOLE, lambda t: t.number),
    "label": (_TEXT, lambda t: t.label),
    "id": (_TEXT, lambda t: t.architecture.id),
    "words": (_TEXT, lambda t: t.architecture.describe()),
    "deployed": (_WHOLE, lambda t: t.count.deployed),
    "trained": (_WHOLE, lambda t: t.count.trained),
    "share": (_NUMBER, lambda t: t.count.share),
}
_STARTED: Described = {
    "origin": (_TEXT, lambda t: t.origin),
    "random_seed": (_WHOLE, lambda t: t.random_seed),
}
_FINISHED: Described = {
    "state": ({"enum": ["complete", "failed", "stopped"]}, lambda t, study: t.state),
    "score": (_SCORE, lambda t, study: t.score),
    "expected": (_SCORE, lambda t, study: study.expected(t)),
    "repeats": ({"type": ["integer", "null"]}, lambda t, study: t.repeats),
    "reason": (_TEXT, lambda t, study: t.reason),
    "seconds": (_NUMBER, lambda t, study: round(sum(t.seconds.values()), 3)),
    "on_front": ({"type": "boolean"}, _on_front),
    "done": (_WHOLE, lambda t, study: sum(o.finished is not None for o in study.trials)),
    "total": (_WHOLE, lambda t, study: study.total),
}


def _schemas(fields: Described) -> dict[str, Mapping[str, Any]]:
    return {name: schema for name, (schema, _) in fields.items()}


def _values(fields: Described, *about: object) -> dict[str, Any]:
    return {name: value(*about) for name, (_, value) in fields.items()}


_BELIEVED: Described = {
    "score": (_NUMBER, lambda t, study: t.score),
    "expected": (_NUMBER, lambda t, study: study.expected(t)),
    "expected_sd": (_SCORE, lambda t, study: _finite(study.belief(t).sd)),
    "trainings": (_WHOLE, lambda t, study: len(study.trainings_of(t))),
    "reaches": (_TEXT, lambda t, study: measured(study, t)),
}
_WITH_SCORE = _schemas(_TRIAL) | _schemas(_BELIEVED)
_BEST = {
    "anyOf": [
        {"type": "null"},
        {"type": "object", "properties": _WITH_SCORE, "required": list(_WITH_SCORE)},
    ]
}
_DONE: Described = {
    "study": (_TEXT, lambda record, folder: str(folder)),
    "complete": (_WHOLE, lambda record, folder: len(record.complete)),
    "failed": (_WHOLE, lambda record, folder: sum(t.state == FAILED for t in record.trials)),
    "stopped": (_WHOLE, lambda record, folder: sum(t.state == STOPPED for t in record.trials)),
    "front": (
        {"type": "array", "items": _WHOLE},
        lambda record, folder: [t.number for t in record.front],
    ),
    "hypervolume": (_NUMBER, lambda record, folder: record.hypervolume()),
    "best": (_BEST, lambda record, folder: scored(record, record.best)),
    "best_seed": (_BEST, lambda record, folder: scored(record, record.best_seed)),
    "verdict": (
        {"type": ["string", "null"]},
        lambda record, folder: lead(record) if record.best else None,
    ),
    "answer": (
        {"type": "object", "additionalProperties": _TEXT},
        lambda record, folder: dict(sentences(record)) if record.best else {},
    ),
    "report": (_TEXT, lambda record, folder: str(folder / "index.html")),
}

FIELDS: Mapping[str, Mapping[str, Any]] = {
    "study": {
        "study": _TEXT,
        "trials": _WHOLE,
        "workers": _WHOLE,
        "task": _TEXT,
        "metric": _TEXT,
        "backbone": _TEXT,
        "backbone_parameters": _WHOLE,
        "limit": _WHOLE,
        "head": _WHOLE,
        "space": _TEXT,
    },
    "message": {"text": _TEXT},
    "started": _schemas(_TRIAL) | _schemas(_STARTED),
    "doing": {"trial": {"type": ["integer", "null"]}, "text": _TEXT},
    "epoch": {"trial": _WHOLE, "epoch": _WHOLE, "score": _SCORE, "loss": _SCORE},
    "finished": _schemas(_TRIAL) | _schemas(_FINISHED),
    "done": _schemas(_DONE),
    "interrupted": {"study": _TEXT, "resume": _TEXT},
}
"""Kind of event -> its fields, each as JSON schema; every event has ``event`` and ``time`` too."""

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "An event of autopelt search --json",
    "oneOf": [
        {
            "type": "object",
            "properties": {"event": {"const": kind}, "time": _NUMBER, **fields},
            "required": ["event", "time", *fields],
            "additionalProperties": False,
        }
        for kind, fields in FIELDS.items()
    ],
}
"""JSON schema of an event, draft 2020-12."""


class EventView:
    """Writes an event a line, at once."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def emit(self, event: str, **fields: Any) -> None:
        """Write an event; numbers that are not finite become null, as JSON has none."""
        values = {"event": event, "time": round(time.time(), 3)} | {
            key: _finite(value) for key, value in fields.items()
        }
        print(json.dumps(values, allow_nan=False), file=self.stream, flush=True)

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
        fields = {key: result[key] for key in ("epoch", "score", "loss")}
        self.emit("epoch", trial=number, **fields)

    def finished(self, trial: TrialRecord, study: StudyRecord) -> None:
        """A trial ended."""
        self.emit("finished", **described(trial), **_values(_FINISHED, trial, study))


def described(trial: TrialRecord) -> dict[str, Any]:
    """Which trial it is, and what it costs."""
    return _values(_TRIAL, trial)


def scored(study: StudyRecord, trial: TrialRecord | None) -> dict[str, Any] | None:
    """The same with its score and what is believed of its architecture; None for none."""
    return None if trial is None else described(trial) | _values(_BELIEVED, trial, study)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


def end_of(record: StudyRecord, folder: Path) -> dict[str, Any]:
    """The event ``done``: what a search has come to."""
    return _values(_DONE, record, folder)
