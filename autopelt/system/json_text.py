"""JSON as any program reads it: one line of ASCII, without NaN, infinities and half characters."""

import json
import time
from collections.abc import Mapping
from typing import Any


def json_text(value: Any) -> str:
    """A value as one line. Numbers that are not finite become null, as JSON has none of these.

    What JSON has no form for, such as a date, is its text. All but ASCII is escaped, so
    that the line is right in every encoding and steers no terminal.
    """
    return json.dumps(_plain(value), allow_nan=False, default=str)


def event_text(event: str, /, **values: Any) -> str:
    """Something that happens while a program watches: what, when, and what is known of it."""
    return json_text({"event": event, "time": round(time.time(), 3)} | values)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if not value.isascii() else value
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value
