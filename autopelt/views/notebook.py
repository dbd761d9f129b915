"""The live view in a notebook: one output that is written anew, with a bar and what happens now.

IPython is imported by who runs in it, never by us before; no widgets are needed.
"""

from __future__ import annotations

import io
import time
from html import escape
from typing import Any

from rich.console import Console

from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.views.terminal import LiveView

WIDTH = 96
"""Columns of its text."""
SECONDS = 0.5
"""It is written anew at most this often, but always when a trial ends."""

_TEXT = "margin:0;color:inherit;background:none;font-size:.9em;overflow-x:auto"
_BAR = "width:24em;max-width:100%"
_LINES = f"{_TEXT};max-height:18em;overflow-y:auto"


class NotebookView:
    """What `LiveView` shows, as HTML in the output of a cell; colours are the notebook's own."""

    def __init__(self) -> None:
        self._lines = io.StringIO()
        self._live = LiveView(Console(file=self._lines, width=WIDTH, color_system=None))
        self._handle: Any = None
        self._drawn = 0.0

    def __enter__(self) -> NotebookView:
        self._show(force=True)
        return self

    def __exit__(self, *error: object) -> None:
        self._live.now = "" if error[0] is None else "it ended with an error"
        self._show(force=True)

    def message(self, text: str) -> None:
        """Add it above what happens now, where it stays."""
        self._live.message(text)
        self._show()

    def doing(self, number: int | None, text: str) -> None:
        """Show it beside the trial, or in the last line."""
        self._live.doing(number, text)
        self._show()

    def started(self, trial: TrialRecord, study: StudyRecord) -> None:
        """Add it to the running trials."""
        self._live.started(trial, study)
        self._show()

    def progressed(self, number: int, result: dict[str, Any]) -> None:
        """Show its epoch and score."""
        self._live.progressed(number, result)
        self._show()

    def finished(self, trial: TrialRecord, study: StudyRecord) -> None:
        """Add its line."""
        self._live.finished(trial, study)
        self._show(force=True)

    def _show(self, force: bool = False) -> None:
        now = time.monotonic()
        if not force and now - self._drawn < SECONDS:
            return
        self._drawn = now
        from IPython.display import HTML, display  # type: ignore[import-not-found, unused-ignore]

        page = HTML(self._html())
        if self._handle is None:
            self._handle = display(page, display_id=True)
        else:
            self._handle.update(page)

    def _html(self) -> str:
        study = self._live.study
        bar = ""
        if study is not None:
            done = sum(t.finished is not None for t in study.trials)
            bar = f'<progress value="{done}" max="{study.total}" style="{_BAR}"></progress>'
        text = Console(file=io.StringIO(), width=WIDTH, color_system=None, record=True)
        text.print(self._live.draw(bar=False))
        lines = escape(self._lines.getvalue().rstrip("\n"))
        return (
            f'<pre style="{_LINES}">{lines}</pre>{bar}'
            f'<pre style="{_TEXT}">{escape(text.export_text().rstrip())}</pre>'
        )
