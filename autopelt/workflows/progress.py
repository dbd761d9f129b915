"""What is known of a training while its epochs end, as its worker tells it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Progress:
    """Sums over the epochs so far.

    Attributes:
        seconds: by phase.
        saved: what the trunk cache saved (`TrialRecord.saved`).
        scores: selection score of each epoch.
        best: what the worker told of the best epoch; None before the first.
        texts: scores of what its best state writes, where they were asked for.
        held_out: scores on the report split, where they were asked for.
        worker: which one.
    """

    seconds: Counter[str] = field(default_factory=Counter)
    saved: Counter[str] = field(default_factory=Counter)
    scores: list[float] = field(default_factory=list)
    best: dict[str, Any] | None = None
    texts: dict[str, float] = field(default_factory=dict)
    held_out: dict[str, Any] = field(default_factory=dict)
    worker: str = ""

    def add(self, result: dict[str, Any]) -> None:
        """Add an epoch (`autopelt.training.results.EpochResult` as plain values)."""
        self.seconds.update(result["seconds"])
        self.saved.update(result.get("saved", {}))
        self.scores.append(result["score"])
        self.best = result if result["best"] else self.best
        self.texts = dict(result.get("texts") or self.texts)
        self.held_out = dict(result.get("held_out") or self.held_out)
        self.worker = result.get("worker", "")

    @property
    def metrics(self) -> dict[str, float]:
        """All scores of the best epoch, those of its texts among them."""
        return ({} if self.best is None else self.best["metrics"]) | self.texts
