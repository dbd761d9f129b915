"""A task described in YAML, or by flags alone: which files, which columns, which kind.

The options of a search and the keys of the file are the same::

    train: reviews.csv            # or a Hub name, owner/name:config@revision
    validation: held-out.csv      # the selection split; without it, cut from train
    test: final.csv               # the report split; without it, cut from train
    text: premise
    text_pair: hypothesis
    label: gold
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from autopelt.data.readers import Format, Table
from autopelt.data.source import DataFacts
from autopelt.data.user_files import hub_set, hub_tables, read, read_parts
from autopelt.errors import UsageError, did_you_mean, parameter
from autopelt.system.files import expanded, read_text
from autopelt.system.validation_errors import validated
from autopelt.system.yaml import load_yaml
from autopelt.tasks import own_score
from autopelt.tasks.base import Task
from autopelt.tasks.chat_template import template_text
from autopelt.tasks.infer_kind import infer_kind
from autopelt.tasks.kinds import KINDS
from autopelt.tasks.own_data import OwnData

Kind = Literal[
    "classification",
    "ordinal",
    "regression",
    "multi_label",
    "multiple_choice",
    "token_classification",
    "question_answering",
    "generation",
    "chat",
    "retrieval",
    "image_classification",
    "audio_classification",
]

SCORES: Mapping[str, tuple[str, ...]] = {kind: KINDS[kind].known_scores for kind in get_args(Kind)}
"""Scores that may be the metric of a kind; the first is the usual one."""


_OF_SOME_KINDS = sorted(frozenset().union(*(KINDS[kind].own_options for kind in SCORES)))
"""Options that not every kind of task looks at."""


def _a(kind: str) -> str:
    """A kind in words, with its article."""
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind.replace('_', ' ')}"


def _scores(kind: str, score: str) -> bool:
    """Whether a score may be the metric of a kind."""
    return score in SCORES[kind] or (KINDS[kind].writes and own_score.is_own(score))


def _has_no_effect(idle: list[str], kind: str, shown: Callable[[str], str] = str) -> str:
    taken = ", ".join(map(shown, sorted(KINDS[kind].own_options)))
    return f"{', '.join(map(shown, idle))} would have no effect: {_a(kind)} takes {taken}."


def _one_character(value: str) -> str:
    """A delimiter as it is given: itself, or in words."""
    character = {"tab": "\t", "\\t": "\t", "blank": " ", "space": " "}.get(value.lower(), value)
    if len(character) > 1:
        raise ValueError(
            f"delimiter '{value}' is more than one character; allowed: ; , | tab blank"
        )
    return character


def _joined(value: Any) -> Any:
    """Names of a list as the command line has them, with commas between."""
    if not isinstance(value, list):
        return value
    names = [str(name) for name in value]
    if any("," in name for name in names):
        raise ValueError("a name may have no comma")
    return ",".join(names)


Names = Annotated[str, BeforeValidator(_joined)]
"""Names with commas between, or a list of them."""


Place = Annotated[str, Field(min_length=1)]
"""A file, a folder or a set on the Hub; an empty name would be the folder of now."""


class TaskFile(BaseModel):
    """A task on the user's own data; see the module's text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = None
    train: Place
    validation: Place | None = None
    test: Place | None = None
    train_target: Place | None = None
    validation_target: Place | None = None
    test_target: Place | None = None
    text: str = ""
    text_pair: str = ""
    choices: Names = ""
    negatives: Names = ""
    label: str = ""
    label_names: Names = ""
    separator: str = ""
    sentence: str = ""
    target: str = ""
    kind: Kind | None = None
    score: str | None = None
    group: str = ""
    positive: str = ""
    class_weights: Literal["balanced"] | None = None
    prefix: str = ""
    chat_template: str = ""
    loss_on: Literal["answers", "last"] | None = None
    too_long: Literal["cut", "drop", "error"] | None = None
    generate: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    encoding: str = ""
    delimiter: Annotated[str, AfterValidator(_one_character)] = ""
    header: bool = True
    columns: Names = ""
    max_length: Annotated[int, Field(ge=4, le=1_000_000, strict=True)] | None = None

    @field_validator("score", mode="before")
    @classmethod
    def _of_before(cls, score: Any) -> Any:
        """A name that older studies have for a score."""
        return "rougeL" if score == "rouge_l" else score

    @model_validator(mode="after")
    def _check(self) -> TaskFile:
        for part in ("train", "validation", "test"):
            given, aligned = getattr(self, part), getattr(self, f"{part}_target")
            if aligned and not given:
                raise ValueError(f"{part}_target needs {part}, the file that it is aligned with")
            if given and bool(aligned) != bool(self.train_target):
                raise ValueError(f"{part} and train must both have an aligned file, or neither")
        roles: dict[str, str] = {}
        for role in ("text", "text_pair", "label", "target"):
            if column := getattr(self, role):
                if column in roles:
                    raise ValueError(f"{roles[column]} and {role} are both column '{column}'")
                roles[column] = role
        if self.kind and (idle := self.idle(self.kind)):
            raise ValueError(_has_no_effect(idle, self.kind))
        if self.kind and self.score and not _scores(self.kind, self.score):
            raise ValueError(f"score '{self.score}': {did_you_mean(self.score, SCORES[self.kind])}")
        return self

    @classmethod
    def read(cls, text_or_path: str) -> TaskFile:
        """A task file, or its text (which has a line feed), checked, with paths made absolute.

        Raises:
            UsageError: names every wrong key and value at once.
        """
        folder, source, text = Path.cwd(), "the task's text", text_or_path
        if "\n" not in text_or_path:
            path = expanded(text_or_path)
            folder, source = path.resolve().parent, f"task file '{text_or_path}'"
            text = read_text(path, f"{source}")
        values = load_yaml(text, source)
        if not isinstance(values, dict):
            raise UsageError(f"{source} is not a mapping of keys like 'train' and 'text'.")
        return cls.build(values, source, folder)

    @classmethod
    def build(
        cls, values: dict[str, Any], source: str, folder: Path, named: Callable[[str], str] = str
    ) -> TaskFile:
        """Check plain values. Raises UsageError with every error in one line; as `validated`."""
        return validated(cls, values, source, named).absolute(folder)

    @classmethod
    def given(cls, values: dict[str, Any]) -> TaskFile:
        """The same of a user's parameters, which an error names as such."""

        def named(place: str) -> str:
            return parameter(place) if place in cls.model_fields else place

        return cls.build(values, "what is given", Path.cwd(), named)

    def absolute(self, folder: Path) -> TaskFile:
        """The same with paths that hold in every working directory, and a template's own text."""
        own = self.score is not None and own_score.is_own(self.score)
        changed = {"score": own_score.absolute(str(self.score), folder)} if own else {}
        if self.chat_template:
            changed["chat_template"] = template_text(self.chat_template, folder)
        for part in ("train", "validation", "test"):
            for key in (part, f"{part}_target"):
                value = getattr(self, key)
                path = expanded(value) if value else None
                if value and path and not (hub_set(value) and not (folder / path).exists()):
                    changed[key] = str((folder / path).resolve())
        return self.model_copy(update=changed)

    @property
    def named(self) -> dict[str, str]:
        """What is said for some kinds only, as `Task.raw` takes it."""
        return {name: str(getattr(self, name) or "") for name in _OF_SOME_KINDS}

    @property
    def form(self) -> Format:
        """How the files are written, as far as it is said."""
        columns = tuple(name.strip() for name in self.columns.split(",")) if self.columns else ()
        return Format(self.encoding, self.delimiter, self.header, columns)

    def idle(self, kind: str) -> list[str]:
        """Options that are given, but that this kind of task does not look at."""
        taken = KINDS[kind].own_options
        return [name for name, value in self.named.items() if value and name not in taken]

    def to_yaml(self) -> str:
        """YAML that `load_task` reads back to an equal task."""
        return yaml.safe_dump(self.model_dump(exclude_defaults=True), sort_keys=False, width=1000)


def form_of(given: Mapping[str, Any]) -> Format:
    """How a file is written, of the keys of a task file that say so; None is not given.

    Raises:
        UsageError: names every wrong value.
    """
    values = {key: value for key, value in given.items() if value is not None}
    unread = {"train": "-"}  # a task file has one; which does not matter here
    return TaskFile.given(unread | values).form


def load_task(text_or_path: str) -> Task:
    """Make the task of a YAML file, or of YAML text (which has a line feed).

    Raises:
        UsageError: names every wrong key and value at once.
        UnavailableError: the data cannot be read.
    """
    return make(TaskFile.read(text_or_path))


def task_from_files(train: str, **keys: Any) -> Task:
    """Make a task of the keys of a task file; None is left out.

    Raises:
        UsageError: names every wrong value at once.
        UnavailableError: the data cannot be read.
    """
    values = {"train": train, **{key: value for key, value in keys.items() if value is not None}}
    return make(TaskFile.given(values))


def make(file: TaskFile) -> Task:
    """Make a task. Reads train to find out its kind. Raises UnavailableError, UsageError."""
    notes: list[str] = []
    tables, facts = _tables(file, notes)
    first = tables["train"]()
    tables["train"] = lambda: first
    kind, why = (
        (file.kind, "as given")
        if file.kind
        else infer_kind(first, file.named, bool(file.train_target or file.target))
    )
    if idle := file.idle(kind):
        raise UsageError(_has_no_effect(idle, kind, parameter))
    usual, because = KINDS[kind].usual_score(first, file.named) if not file.score else ("", "")
    score = file.score or usual
    if not _scores(kind, score):
        raise UsageError(f"score '{score}' of {_a(kind)}: {did_you_mean(score, SCORES[kind])}")
    notes.append(f"The task is {_a(kind)}, scored by {score}: {why}.")
    if because:
        notes.append(f"Scored by {score}, as {because}; another score may be named.")
    origin = OwnData(kind, file.named, tables, facts, notes)
    return _of_kind(file, kind, score, origin)


def _tables(file: TaskFile, notes: list[str]) -> tuple[dict[str, Callable[[], Table]], DataFacts]:
    """Reader of each part, and where they come from. A file that has splits gives them all.

    Raises:
        UnavailableError: train cannot be read. UsageError: an option that has no effect.
    """
    tables: dict[str, Callable[[], Table]] = {}
    asked: dict[str, Any] = {
        "tagged": file.kind == "token_classification" or bool(file.sentence),
        "named": [file.text, file.label, file.sentence],
        "form": file.form,
    }
    if wanted := hub_set(file.train):
        tables, commit = hub_tables(wanted)
        facts = DataFacts.of_hub(wanted.name, str(wanted), commit)
    else:
        parts = read_parts(file.train, notes, target=file.train_target or "", **asked)
        tables = {part or "train": partial(parts.__getitem__, part) for part in parts}
        facts = DataFacts("files", f"file {file.train}", path=file.train)
    for part, key in (("selection", "validation"), ("report", "test")):
        if name := getattr(file, key):
            if hub_set(name):
                raise UsageError(
                    f"{key} '{name}' is no file; the splits of a Hub set come with its train."
                )
            target = getattr(file, f"{key}_target") or ""
            tables[part] = partial(read, name, notes, target=target, part=part, **asked)
    return tables, facts


def task_of_kind(file: TaskFile, kind: str) -> Task:
    """A task of that kind that has no examples; reads nothing."""
    score = file.score if file.score in SCORES[kind] else SCORES[kind][0]  # runs no file
    return _of_kind(
        file, kind, score, OwnData(kind, file.named, {}, DataFacts("files", f"file {file.train}"))
    )


def _of_kind(file: TaskFile, kind: str, score: str, origin: OwnData) -> Task:
    name = file.name or Path(file.train).stem
    title = f"{kind.replace('_', ' ')} on {file.train}"
    options = KINDS[kind].settings(file.named, score)
    task = KINDS[kind](name, title, origin, max_length=file.max_length, **options)
    task.spec = file.to_yaml()
    return task
