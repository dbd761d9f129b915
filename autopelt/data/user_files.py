"""The user's own data: CSV, TSV, JSON lines, Parquet, CoNLL, SQuAD, aligned text, the Hub."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from autopelt.data import hub
from autopelt.data.aligned import read_aligned
from autopelt.data.benchmark import named
from autopelt.data.conll import read_conll
from autopelt.data.hub import HubSet
from autopelt.data.readers import READERS, Table, read_jsonl, read_text
from autopelt.data.squad import read_squad
from autopelt.errors import UnavailableError, UsageError, parameter

if TYPE_CHECKING:
    from datasets import Dataset

TAGGED = (".conll", ".conllu", ".bio", ".iob", ".iob2")
"""Endings of files with a word and its tag a line."""

_HUB_NAME = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(?::(?P<config>[\w.-]+))?(?:@(?P<revision>\S+))?")

_HUB_PARTS = {"train": "train", "selection": "validation", "report": "test"}


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
