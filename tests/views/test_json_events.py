"""Events: each as the schema has it, and as the documents describe it."""

import io
import json
import math
import re
from pathlib import Path

import jsonschema
import pytest
from small_record import STUDY

from autopelt.views.json_events import FIELDS, SCHEMA, EventView

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "events.md").read_text("utf-8")


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


@pytest.mark.parametrize("kind", FIELDS)
def test_every_field_is_documented(kind: str) -> None:
    row = re.search(rf"^\| `{kind}` .*$", GUIDE, re.MULTILINE)
    assert row is not None
    text = row.group()
    if "as `started`" in text:
        text += re.search(r"^\| `started` .*$", GUIDE, re.MULTILINE).group()  # type: ignore[union-attr]
    for field in FIELDS[kind]:
        assert f"`{field}`" in text, field
