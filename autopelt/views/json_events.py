"""What happens in a search as lines of JSON, one event each: for programs that watch.

`SCHEMA` says what an event has; `docs/events.md` says it in words.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from autopelt.cards.verdict import lead, verdict
from autopelt.study.record import FAILED, STOPPED, StudyRecord, TrialRecord

_NUMBER, _WHOLE, _TEXT = {"type": "number"}, {"type": "integer"}, {"type": "string"}
_SCORE = {"type": ["number", "null"]}
_TRIAL = {
    "trial": _WHOLE,
    "label": _TEXT,
    "id": _TEXT,
    "words": _TEXT,
    "deployed": _WHOLE,
    "trained": _WHOLE,
    "share": _NUMBER,
}
_BEST = {
    "anyOf": [
        {"type": "null"},
        {
            "type": "object",
            "properties": _TRIAL | {"score": _NUMBER},
            "required": [*_TRIAL, "score"],
        },
    ]
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
    "started": _TRIAL | {"origin": _TEXT, "random_seed": _WHOLE},
    "doing": {"trial": {"type": ["integer", "null"]}, "text": _TEXT},
    "epoch": {"trial": _WHOLE, "epoch": _WHOLE, "score": _SCORE, "loss": _SCORE},
    "finished": _TRIAL
    | {
        "state": {"enum": ["complete", "failed", "stopped"]},
        "score": _SCORE,
        "reason": _TEXT,
        "seconds": _NUMBER,
        "on_front": {"type": "boolean"},
        "done": _WHOLE,
        "total": _WHOLE,
    },
    "done": {
        "study": _TEXT,
        "complete": _WHOLE,
        "failed": _WHOLE,
        "stopped": _WHOLE,
        "front": {"type": "array", "items": _WHOLE},
        "hypervolume": _NUMBER,
        "best": _BEST,
        "best_seed": _BEST,
        "verdict": {"type": ["string", "null"]},
        "report": _TEXT,
    },
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
        more = {"origin": trial.origin, "random_seed": trial.random_seed}
        self.emit("started", **described(trial), **more)

    def doing(self, number: int | None, text: str) -> None:
        """What happens now."""
        self.emit("doing", trial=number, text=text)

    def progressed(self, number: int, result: dict[str, Any]) -> None:
        """An epoch of a trial ended."""
        self.emit(
            "epoch",
            trial=number,
            epoch=result["epoch"],
            score=result["score"],
            loss=result["loss"],
        )

    def finished(self, trial: TrialRecord, study: StudyRecord) -> None:
        """A trial ended."""
        self.emit(
            "finished",
            **described(trial),
            state=trial.state,
            score=trial.score,
            reason=trial.reason,
            seconds=round(sum(trial.seconds.values()), 3),
            on_front=any(t.number == trial.number for t in study.front),
            done=sum(t.finished is not None for t in study.trials),
            total=study.total,
        )


def described(trial: TrialRecord) -> dict[str, Any]:
    """Which trial it is, and what it costs."""
    return {
        "trial": trial.number,
        "label": trial.label,
        "id": trial.architecture.id,
        "words": trial.architecture.describe(),
        "deployed": trial.count.deployed,
        "trained": trial.count.trained,
        "share": trial.count.share,
    }


def scored(trial: TrialRecord | None) -> dict[str, Any] | None:
    """The same with its score; None for none."""
    return None if trial is None else described(trial) | {"score": trial.score}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


def end_of(record: StudyRecord, folder: Path) -> dict[str, Any]:
    """The event ``done``: what a search has come to."""
    best = record.best
    return {
        "study": str(folder),
        "complete": len(record.complete),
        "failed": sum(t.state == FAILED for t in record.trials),
        "stopped": sum(t.state == STOPPED for t in record.trials),
        "front": [t.number for t in record.front],
        "hypervolume": record.hypervolume(),
        "best": scored(best),
        "best_seed": scored(record.best_seed),
        "verdict": None if best is None else lead(verdict(record)),
        "report": str(folder / "index.html"),
    }
