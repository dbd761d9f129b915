"""Several studies of one task on one backbone, under one budget and one reference point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autopelt.cards.look import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE, VERMILION, Look
from autopelt.cards.progress import Step, reached, steps
from autopelt.cards.wording import share
from autopelt.errors import UsageError
from autopelt.study.record import StudyRecord, TrialRecord

LOOKS = (
    Look("", "circle", BLUE),
    Look("", "square", VERMILION, dash="dash"),
    Look("", "diamond", GREEN, dash="dot"),
    Look("", "triangle-right", PURPLE, dash="dashdot"),
    Look("", "x", ORANGE, dash="longdash"),
    Look("", "circle", INK, hollow=True, dash="longdashdot"),
)
"""Of each study; a study of random search is grey."""
RANDOM_LOOK = Look("", "circle", MUTED, dash="dot")
MOST = 12


@dataclass(frozen=True)
class Member:
    """One study of an overlay.

    Attributes:
        name: unique in the overlay.
        record: with the common budget as its `limit`.
        steps: its hypervolume after every complete trial, under the common reference point.
        offset: added to its trial numbers to make them unique in the page.
    """

    name: str
    record: StudyRecord
    steps: tuple[Step, ...]
    look: Look
    offset: int

    @property
    def value(self) -> float:
        """Hypervolume at the end."""
        return self.steps[-1].value if self.steps else 0.0

    @property
    def words(self) -> str:
        """The name, with a remark where the sampler is random search."""
        plain = "random" not in self.name
        return f"{self.name} (random search)" if is_random(self.record) and plain else self.name

    @property
    def legend(self) -> tuple[str, str, str]:
        """Its entry of `Figure.legend`."""
        return replace(self.look, words=self.words).legend

    def key(self, trial: TrialRecord) -> int:
        """Number of a trial in the page."""
        return self.offset + trial.number

    def reached(self, value: float) -> int | None:
        """Complete trials after which the hypervolume was at least `value`; None if never."""
        return reached(self.steps, value)


@dataclass(frozen=True)
class Overlay:
    """Studies held against each other.

    Attributes:
        limit: the smallest budget among them: what all could have found.
        floor: reference score, the lowest `StudyRecord.floor` among them.
        shortened: some study had a larger budget.
    """

    members: tuple[Member, ...]
    limit: int
    floor: float
    shortened: bool

    @property
    def metric(self) -> str:
        """Of all of them."""
        return self.members[0].record.metric


def is_random(record: StudyRecord) -> bool:
    """Was the study made by random search?"""
    return record.config.sampler == "random"


def comparable(records: Sequence[StudyRecord]) -> None:
    """Refuse studies that say nothing about each other.

    Raises:
        UsageError: another metric, backbone, task or data; the two values are named.
    """
    first = records[0]
    for other in records[1:]:
        pairs = [("metric", first.metric, other.metric)]
        for what in ("backbone", "task"):
            mine, theirs = getattr(first, what), getattr(other, what)
            keys = ("name", "parameters", "revision", "kind", "selection", "report", "hash")
            pairs += [
                (f"{what} {k}" if k != "name" else what, getattr(mine, k), getattr(theirs, k))
                for k in keys
                if k in type(mine).model_fields
            ]
        for words, mine, theirs in pairs:
            if mine != theirs:
                raise UsageError(
                    f"studies '{first.name}' and '{other.name}' cannot be compared: "
                    f"their {words} differ ({mine} and {theirs})."
                )


def overlay(records: Sequence[StudyRecord]) -> Overlay:
    """Numbers of all cards.

    Raises:
        UsageError: too many studies, or they cannot be compared.
    """
    if len(records) > MOST:
        raise UsageError(f"{len(records)} studies are too many for one page; give at most {MOST}.")
    comparable(records)
    limit = min(r.limit for r in records)
    floor = min(r.floor for r in records)
    looks = iter([*LOOKS, *LOOKS])
    members = []
    offset, seen = 0, set[str]()
    for record in records:
        name, number = record.name, 2
        while name in seen:
            name, number = f"{record.name} ({number})", number + 1
        seen.add(name)
        cut = replace(record, limit=limit)
        look = RANDOM_LOOK if is_random(record) else next(looks)
        members.append(Member(name, cut, tuple(steps(cut, floor)), look, offset))
        offset += 1 + max((t.number for t in record.trials), default=0)
    return Overlay(tuple(members), limit, floor, any(r.limit != limit for r in records))


def budget_words(made: Overlay) -> str:
    """``227,132 parameters (1%)``."""
    parameters = made.members[0].record.backbone.parameters
    part = f" ({share(made.limit / parameters)})" if parameters else ""
    return f"{made.limit:,} parameters{part}"
