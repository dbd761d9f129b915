"""What a study is told once, when it begins: its command, backbone, task, versions, warm start.

Studies keep these as JSON beside their trials. Reading is tolerant: what an older study does not
know has a value that says so, and `model_fields_set` tells what it knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

from autopelt.data.recorded import Recorded

VERSION = 1
"""Of the form in which facts are stored; studies without one are of before there was any."""


NEGATIVE = "negative "
"""Before the name of a score of which less is better: what a study maximises is its negative."""


class Facts(BaseModel):
    """Base of all facts."""

    model_config = ConfigDict(frozen=True)

    def known(self) -> dict[str, Any]:
        """What is known, as plain values."""
        return self.model_dump(mode="json", exclude_defaults=True)


class BackboneFacts(Facts):
    """The frozen model.

    Attributes:
        name: as the user gave it.
        parameters: without a task head.
        revision: commit of the Hub.
        weights: identity of the weight files (`autopelt.backbones.identity`).
    """

    name: str = ""
    family: str = ""
    parameters: int = 0
    layers: int = 0
    hidden: int = 0
    revision: str = ""
    weights: str = ""

    @property
    def short_name(self) -> str:
        """Without folders."""
        return (self.name or "the backbone").rstrip("/").rsplit("/", 1)[-1]


class TaskFacts(Facts):
    """The task and its data.

    Attributes:
        labels: names of the classes.
        constant: what the best constant answer scores on selection; None without one.
        groups: of the selection split that have a score of their own, and their examples.
        train, selection, report: examples; None where a split was not loaded.
        judged: examples of selection that the metric is of, where these are fewer.
        origin, source, path, hub, revision, cut, hash, report_hash: as
            `autopelt.data.source.DataFacts`.
        rule: by which splits are cut (`autopelt.data.draw.RULE`).
        score_hash: of the file with the user's own score, where there is one.
        general_text: of the text on which forgetting is measured, where it is.
    """

    name: str = ""
    title: str = ""
    kind: str = ""
    labels: tuple[str, ...] = ()
    constant: float | None = None
    groups: dict[str, int] = {}
    train: int | None = None
    selection: int | None = None
    report: int | None = None
    judged: int | None = None
    origin: str = ""
    source: str = ""
    path: str = ""
    hub: str = ""
    revision: str = ""
    cut: str = ""
    hash: str = ""
    report_hash: str = ""
    general_text: str = ""
    score_hash: str = ""
    rule: int = 1

    @property
    def scored(self) -> int | None:
        """Examples that a score is of."""
        return self.judged or self.selection

    @property
    def recorded(self) -> Recorded:
        """The examples, to tell whether they are still there."""
        return Recorded(
            self.hash, self.report_hash, self.rule, self.train, self.selection, self.report
        )

    @property
    def sizes(self) -> dict[str, int | None]:
        """Examples by split."""
        return {"train": self.train, "selection": self.selection, "report": self.report}


class WarmStartFacts(Facts):
    """The study that this one learned from.

    Attributes:
        study, task, backbone: its names.
        trials: of its scores that inform the surrogate.
        early: how many of `what` (its ``front`` or its ``best``) are evaluated early.
        left_out: how many of these the space or the budget cannot say.
        hash: of all that is kept of it.
    """

    study: str
    task: str
    backbone: str
    trials: int
    early: int
    left_out: int
    what: str = "front"
    hash: str = ""


class StudyFacts(Facts):
    """All of them.

    Attributes:
        version: see `VERSION`; 0 in studies of before.
        command: the command line that made the study.
        metric: name of the task's score (``accuracy``).
        limit: the budget as a number of deployed parameters.
        head: parameters of the task head, counted apart.
        versions: versions of the packages that matter.
        folders: of the study, in full, wherever it was when trials began or went on.
    """

    version: int = 0
    command: str = ""
    metric: str
    limit: int
    head: int = 0
    backbone: BackboneFacts
    task: TaskFacts
    versions: Mapping[str, str] = {}
    warm_start: WarmStartFacts | None = None
    folders: tuple[str, ...] = ()

    @field_validator("warm_start", mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return value or None  # studies of before wrote {}
