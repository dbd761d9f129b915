"""Events: each as the schema has it, and as the documents describe it."""

import io
import json
import math
from pathlib import Path

import jsonschema
from small_record import AGAIN, STUDY

from autopelt.views.answers import schema_of
from autopelt.views.json_events import EventView, end_of

SCHEMA = schema_of("resume")


def test_every_event_is_a_line_of_valid_json() -> None:
    stream = io.StringIO()
    view = EventView(stream)
    view.message("careful")
    view.started(STUDY.trials[4], STUDY)
    view.progressed(4, {"epoch": 1, "score": math.nan, "loss": 0.5, "seconds": {}})
    for trial in STUDY.trials[:4]:
        view.finished(trial, STUDY)
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    for event in events:
        jsonschema.validate(event, SCHEMA)
    kinds = [event["event"] for event in events]
    assert kinds == ["message", "started", "epoch", *["finished"] * 4]
    assert events[2]["score"] is None
    assert [e["on_front"] for e in events[3:]] == [False, True, False, False]
    assert events[6]["state"] == "failed"
    assert events[6]["reason"] == "the loss became nan"


def test_trainings_again_have_the_schema_and_what_is_expected() -> None:
    stream = io.StringIO()
    view = EventView(stream)
    for trial in AGAIN.trials:
        view.finished(trial, AGAIN)
    view.emit("done", **end_of(AGAIN, Path("reports/a")))
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    for event in events:
        jsonschema.validate(event, SCHEMA)
    assert [e["repeats"] for e in events[:-1]] == [None, None, None, None, 1, 1]
    assert [e["expected"] for e in events[:-1]] == [0.7, 0.765, 0.9, None, 0.765, 0.765]
    assert [e["on_front"] for e in events[:-1]] == [False, True, False, False, True, True]
    done = events[-1]
    assert (done["front"], done["best"]["trial"], done["best"]["trainings"]) == ([1], 1, 3)
    assert done["best"]["reaches"].endswith("from 3 trainings (observed 0.740 to 0.800)")
