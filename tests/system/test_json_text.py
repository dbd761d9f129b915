"""JSON for programs: what no reader of it stumbles over."""

import datetime
import json
import math

from autopelt.system.json_text import event_text, json_text


def test_what_json_has_not_is_null_or_text() -> None:
    day = datetime.date(2026, 11, 30)
    value = {"a": [math.nan, math.inf, 0.1], "b": (1, {"c": -math.inf}), 3: day}
    expected = {"a": [None, None, 0.1], "b": [1, {"c": None}], "3": "2026-11-30"}
    assert json.loads(json_text(value), parse_constant=None) == expected


def test_a_line_is_ascii_without_half_characters() -> None:
    line = json_text({"na\u00efve \udcff": "\x1b[2J\u2028\n"})
    assert line.isascii()
    assert "\n" not in line
    assert "\x1b" not in line
    assert json.loads(line) == {"na\u00efve ?": "\x1b[2J\u2028\n"}


def test_an_event_has_its_kind_and_time() -> None:
    told = json.loads(event_text("done", kind="x"))
    assert told["event"] == "done"
    assert told["kind"] == "x"
    assert told["time"] > 1.7e9
