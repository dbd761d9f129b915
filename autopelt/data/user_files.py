"""The user's own data: CSV, TSV, JSON lines, Parquet, CoNLL, SQuAD, aligned text, the Hub."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopelt.data import hub
from autopelt.data.aligned import read_aligned
from autopelt.data.benchmark import named
from autopelt.data.conll import read_conll
from autopelt.data.hub import HubSet
from autopelt.data.readers import READERS, Table, read_jsonl, read_text
from autopelt.data.source import DataFacts, Parts, Source
from autopelt.data.squad import read_squad, split_answers
from autopelt.errors import UnavailableError, UsageError, parameter

if TYPE_CHECKING:
    from datasets import Dataset

TAGGED = (".conll", ".conllu", ".bio", ".iob", ".iob2")
"""Endings of files with a word and its tag a line."""

TAG_COLUMNS = ("tags", "ner_tags")
"""Usual names of a column of tags."""

_HUB_NAME = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(?::(?P<config>[\w.-]+))?(?:@(?P<revision>\S+))?")

_HUB_PARTS = {"train": "train", "selection": "validation", "report": "test"}


@dataclass(frozen=True)
class Columns:
    """Which columns hold what; empty: the usual names are tried."""

    text: str = ""
    text_pair: str = ""
    label: str = ""
    target: str = ""


@dataclass
class Files:
    """Examples from files or a Hub set that the user named.

    Attributes:
        kind: of the task.
        columns: which columns to use.
        tables: reader of each part; a table that was read stays in memory until it is used.
        facts: where they come from.
        notes: what was decided for the user.
    """

    kind: str
    columns: Columns
    tables: Mapping[str, Callable[[], Table]]
    facts: DataFacts
    notes: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    def find(self, source: Source) -> Parts:
        """Readers that check every example. Raises UnavailableError when one is called."""
        notes = list(self.notes)

        def reader(part: str) -> Callable[[], Dataset]:
            return lambda: self._dataset(part, self.tables[part]())

        return Parts({part: reader(part) for part in self.tables}, self.facts, notes)

    def _dataset(self, part: str, table: Table) -> Dataset:
        from datasets import Dataset

        made = shaped(table, self.kind, self.columns)
        if self.kind == "classification":
            if part == "train":
                self.known = set(made["label"])
            for row, label in enumerate(made["label"]):
                if label not in self.known and label == "-1" and self.facts.hub:
                    raise UnavailableError(
                        f"{table.where(row)} of its {part} split hides its label (-1); download "
                        "the set and give the files that have labels."
                    )
                if label not in self.known:
                    raise UnavailableError(
                        f"{table.where(row)} has the label '{label}', which no training example "
                        f"has; those have: {', '.join(sorted(self.known))}."
                    )
        return Dataset.from_dict(made)


def shaped(table: Table, kind: str, columns: Columns) -> dict[str, list[Any]]:
    """The columns that a kind of task needs, checked example by example.

    Raises:
        UnavailableError: a column is missing, a text is empty, a label is missing or not a number.
    """
    if kind == "token_classification":
        words = _column(table, columns.text, ("words", "tokens"), "text")
        tags = _column(table, columns.label, TAG_COLUMNS, "label")
        _lists(table, words, tags)
        return {"words": table.columns[words], "tags": table.columns[tags]}
    if kind == "question_answering":
        return _questions(table)
    if kind == "generation":
        source = _column(table, columns.text, ("source", "text"), "text")
        target = _column(table, columns.target, ("target",), "target")
        return {"source": texts(table, source), "target": texts(table, target)}
    text = _column(table, columns.text, ("text",), "text")
    label = _column(table, columns.label, ("label",), "label")
    made: dict[str, list[Any]] = {"text": texts(table, text)}
    if columns.text_pair:
        made["text_pair"] = texts(table, _column(table, columns.text_pair, (), "text_pair"))
    read = _number if kind == "regression" else _class
    made["label"] = [read(table, row, v, label) for row, v in enumerate(table.columns[label])]
    return made


def _questions(table: Table) -> dict[str, list[Any]]:
    """Contexts, questions, answers; where an answer starts is looked up if it is not said."""
    table.require(["context", "question", "answers"])
    names = ("context", "question")
    made: dict[str, list[Any]] = {name: texts(table, name) for name in names}
    ready = split_answers(dict(table.columns))
    answers = [[a] if isinstance(a, str) else a for a in ready["answers"]]
    for row, given in enumerate(answers):
        if not isinstance(given, list) or not all(isinstance(a, str) for a in given):
            raise UnavailableError(f"{table.where(row)} has no list of texts in column 'answers'.")
    found = zip(made["context"], answers, strict=True)
    starts = ready.get("starts") or [[text.find(a) for a in given] for text, given in found]
    made |= {"answers": answers, "starts": starts}
    return made | ({"title": texts(table, "title")} if "title" in ready else {})


def texts(table: Table, column: str) -> list[str]:
    """A column of texts. Raises UnavailableError for an empty one."""
    found = []
    for row, value in enumerate(table.columns[column]):
        text = "" if _absent(value) else str(value)
        if not text.strip():
            raise UnavailableError(
                f"{table.where(row)} has an empty text in column '{column}'; fill it or remove the "
                "example."
            )
        found.append(text)
    return found


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _class(table: Table, row: int, value: Any, column: str) -> str:
    if _absent(value) or not str(value).strip() or str(value).lower() == "nan":
        raise UnavailableError(
            f"{table.where(row)} has no label in column '{column}'; fill it or remove the example."
        )
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def _number(table: Table, row: int, value: Any, column: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise UnavailableError(
            f"{table.where(row)} has '{value}' in column '{column}'; a regression needs a finite "
            "number."
        )
    return number


def _lists(table: Table, words: str, tags: str) -> None:
    for row, (some, others) in enumerate(zip(table.columns[words], table.columns[tags])):
        for column, value in ((words, some), (tags, others)):
            if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
                raise UnavailableError(
                    f"{table.where(row)} has no list of texts in column '{column}', as a tag for "
                    "each word needs."
                )
        if len(some) != len(others):
            raise UnavailableError(
                f"{table.where(row)} has {len(some)} words, but {len(others)} tags."
            )


def _column(table: Table, name: str, usual: Sequence[str], option: str) -> str:
    """The named column, else the first usual one. Raises UnavailableError."""
    if name:
        table.require([name])
        return name
    for candidate in usual:
        if candidate in table.columns:
            return candidate
    raise UnavailableError(
        f"'{table.name}' has no column '{usual[0]}'; it has: {', '.join(table.columns)}. Name the "
        f"one to use with {parameter(option)}."
    )


# ---------------------------------------------------------------------- reading
def read(name: str, target: str, notes: list[str], tagged: bool = False) -> Table:
    """Read a file by its ending.

    Args:
        name: path. target: path of the aligned text file, or "".
        notes: takes sentences on what was skipped.
        tagged: the file has a word and its tag a line, whatever its ending.

    Raises:
        UsageError: an ending that says nothing.
        UnavailableError: the file is not there or is broken.
    """
    path = Path(name).expanduser()
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise UnavailableError(
            f"'{name}' {what}; give a file ({', '.join(READERS)}, …) or a Hub name, owner/name."
        )
    if target:
        return read_aligned([path, Path(target).expanduser()], notes)
    ending = path.suffix.lower()
    if tagged and ending not in (".jsonl", ".ndjson", ".parquet", ".json"):
        return read_conll([path], notes)
    if ending in TAGGED:
        return read_conll([path], notes)
    if ending == ".json":
        return _read_json(path, notes)
    if ending not in READERS and read_text(path).lstrip().startswith("{"):
        return read_jsonl([path], notes)
    if ending not in READERS:
        raise UsageError(
            f"'{name}': the ending '{ending}' does not tell the format; known are "
            f"{', '.join([*READERS, '.json', *TAGGED])}. For aligned text files give the other "
            f"side with {parameter('train_target')}, for tagged words "
            f"{parameter('kind', 'token_classification')}."
        )
    return READERS[ending]([path], notes)


def _read_json(path: Path, notes: list[str]) -> Table:
    """SQuAD's format, a list of objects, or JSON lines."""
    try:
        whole = json.loads(read_text(path))
    except (ValueError, RecursionError):
        return read_jsonl([path], notes)
    if isinstance(whole, list) and whole and all(isinstance(row, dict) for row in whole):
        for number, row in enumerate(whole, 1):
            missing = [key for key in whole[0] if key not in row]
            if missing:
                raise UnavailableError(f"'{path}' example {number} has no key '{missing[0]}'.")
        return Table({key: [row[key] for row in whole] for key in whole[0]}, str(path))
    if isinstance(whole, dict) and "data" not in whole:
        return read_jsonl([path], notes)
    return read_squad([path], notes)


def hub_set(name: str) -> HubSet | None:
    """The Hub set that a name means, if it looks like one: ``owner/name:config@revision``."""
    match = _HUB_NAME.fullmatch(name)
    ending = Path(name.split(":", maxsplit=1)[0]).suffix.lower()
    file_like = ending in (*READERS, *TAGGED, ".json", ".txt")
    if match is None or file_like or Path(name).exists():
        return None
    return HubSet(match["name"], match["config"], _HUB_PARTS, {}, revision=match["revision"])


def hub_tables(wanted: HubSet) -> tuple[dict[str, Callable[[], Table]], str]:
    """Readers of a Hub set's parts, and its commit. Raises UnavailableError."""
    opened = hub.open_set(wanted, offline=False)
    if opened is None:
        raise UnavailableError(
            f"data set '{wanted}' is not in the local cache and the Hub cannot be reached; run "
            "once with network, or give a file."
        )
    readers, commit = opened
    if "train" not in readers:
        raise UnavailableError(f"data set '{wanted}' has no split 'train'.")

    def reader(get: Callable[[], Dataset]) -> Callable[[], Table]:
        def read_table() -> Table:
            dataset = get()
            columns = {
                name: named(dataset[name][:], dataset.features[name], ())
                for name in dataset.column_names
            }
            return Table(columns, str(wanted))

        return read_table

    return {part: reader(get) for part, get in readers.items()}, commit
