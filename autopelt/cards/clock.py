"""The time that a search took: wall-clock without the pauses between a stop and its resumption."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from autopelt.study.record import TrialRecord

PAUSE = 60.0
"""Seconds without a trial that are a pause, if other workers go on after them."""


@dataclass(frozen=True)
class Clock:
    """Counts from the first trial's beginning.

    Attributes:
        sessions: begin and end of each stretch of trials in seconds since 1970, in order; at least
            one.
    """

    sessions: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, trials: Iterable[TrialRecord]) -> Clock | None:
        """The clock of a study; None where no trial has a time."""
        sessions: list[tuple[float, float]] = []
        seen: set[str] = set()
        timed = [(t.started, t) for t in trials if t.started is not None]
        for begin, t in sorted(timed, key=lambda pair: (pair[0], pair[1].number)):
            end = max(begin, begin if t.finished is None else t.finished)
            if not sessions or (begin > sessions[-1][1] + PAUSE and t.worker not in seen):
                sessions.append((begin, end))
            else:
                sessions[-1] = (sessions[-1][0], max(sessions[-1][1], end))
            seen.add(t.worker)
        return cls(tuple(sessions)) if sessions else None

    @property
    def total(self) -> float:
        """Seconds of search up to the last moment."""
        return self.at(self.sessions[-1][1])

    def session(self, moment: float) -> int:
        """Index of the session that a moment belongs to; of a pause, the session before it."""
        return max(0, bisect_right([begin for begin, _ in self.sessions], moment) - 1)

    def at(self, moment: float) -> float:
        """Seconds of search before a moment; of a pause, those before it."""
        index = self.session(moment)
        begin, end = self.sessions[index]
        before = sum(b - a for a, b in self.sessions[:index])
        return before + max(0.0, min(moment, end) - begin)
