"""The user's own data: tables, JSON, CoNLL, SQuAD, aligned text, the Hub."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autopelt.data import hub
from autopelt.data.aligned import read_aligned
from autopelt.data.conll import read_conll
from autopelt.data.delimited import delimiter_of, read_csv, read_spreadsheet, read_tsv
from autopelt.data.encoding import PACKED, ending, read_text
from autopelt.data.hub import HubSet
from autopelt.data.json_files import read_json, read_jsonl
from autopelt.data.media import medium, read_folder, read_one
from autopelt.data.readers import FOUND_OUT, Format, Table, read_parquet, with_class_names
from autopelt.data.squad import read_squad
from autopelt.errors import UnavailableError, UsageError, parameter
from autopelt.system.files import expanded

if TYPE_CHECKING:
    from datasets import Dataset

OwnReader = Callable[[Sequence[Path], list[str], Format], Table]

READERS: Mapping[str, OwnReader] = {
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".tab": read_tsv,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".parquet": read_parquet,
    ".xlsx": read_spreadsheet,
}
"""Reader of a table by the file's ending."""

TAGGED = (".conll", ".conllu", ".bio", ".iob", ".iob2")
"""Endings of files with a word and its tag a line."""

_LOOKED_AT: Mapping[OwnReader, frozenset[str]] = {
    read_csv: frozenset({"encoding", "delimiter", "header", "columns"}),
    read_tsv: frozenset({"encoding", "delimiter", "header", "columns"}),
    read_spreadsheet: frozenset({"header", "columns"}),
    read_jsonl: frozenset({"encoding", "columns"}),
    read_parquet: frozenset(),
    read_conll: frozenset({"encoding", "delimiter"}),
    read_aligned: frozenset({"encoding"}),
    read_squad: frozenset({"encoding"}),
    read_folder: frozenset(),
    read_one: frozenset(),
}
"""What may be said of how a file is written, by its reader."""

_HEADERS = frozenset(
    {"word", "words", "token", "tokens", "form", "sentence", "sentence #", "sentence_id", "sent_id"}
)
"""Names, in small letters, by which the first line of a file of tagged words is a header."""

_HUB_NAME = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(?::(?P<config>[\w.-]+))?(?:@(?P<revision>\S+))?")

_HUB_PARTS = {"train": "train", "selection": "validation", "report": "test"}


def read(
    name: str,
    notes: list[str],
    *,
    target: str = "",
    tagged: bool = False,
    named: Sequence[str] = (),
    form: Format = FOUND_OUT,
    part: str = "train",
) -> Table:
    """Read a file; of one with several splits, the one that is asked for.

    Args:
        part: our name of the split. The others are as in `read_parts`.

    Raises:
        UsageError: as `read_parts`.
        UnavailableError: as `read_parts`; it has splits, but not that one.
    """
    parts = read_parts(name, notes, target=target, tagged=tagged, named=named, form=form)
    found = parts.get("", parts.get(part))
    if "" not in parts:
        notes.append(f"'{Path(name).name}' has several splits, of which one is read: {part}.")
    if found is None:
        raise UnavailableError(f"'{name}' has splits, but none for {part}; give another file.")
    return found


def read_parts(
    name: str,
    notes: list[str],
    *,
    target: str = "",
    tagged: bool = False,
    named: Sequence[str] = (),
    form: Format = FOUND_OUT,
) -> dict[str, Table]:
    """Read a file by its ending, or else by what is in it.

    Args:
        name: path.
        notes: takes sentences on what was found out or skipped.
        target: path of the aligned text file, or "".
        tagged: the file has tagged words, whatever its ending.
        named: columns that the user named.
        form: what is said of how it is written.

    Returns:
        Our name of each split -> its table; ``""`` for a file without splits.

    Raises:
        UsageError: an ending that says nothing, an option that has no effect on such a file.
        UnavailableError: the file is not there or is broken.
    """
    path = expanded(name)
    if not path.exists():
        raise UnavailableError(
            f"'{name}' does not exist; give a file ({', '.join(READERS)}, …), a folder with a "
            "folder of pictures or sounds for each class, or a Hub name, owner/name."
        )
    if not target and path.is_file() and ending(path) == ".json" and not _is_squad(path):
        _refuse_idle(form, read_jsonl, path)
        return read_json(path, notes, form)
    reader = read_aligned if target else _reader(path, tagged, named, form)
    _refuse_idle(form, reader, path)
    paths = [path, expanded(target)] if target else [path]
    return {"": reader(paths, notes, form)}


def reads_tags(name: str, tagged: bool, form: Format) -> bool:
    """Whether `read` takes a file for one with a word a line."""
    path = expanded(name)
    return ending(path) != ".json" and _reader(path, tagged, (), form) is read_conll


def _refuse_idle(form: Format, reader: OwnReader, path: Path) -> None:
    idle = [option for option in form.given if option not in _LOOKED_AT[reader]]
    if idle:
        option = parameter("header", False) if idle[0] == "header" else parameter(idle[0])
        raise UsageError(f"{option} would have no effect on a file like '{path.name}'.")


def _reader(path: Path, tagged: bool, named: Sequence[str], form: Format) -> OwnReader:
    """What reads a file that has no aligned one. Raises UsageError."""
    if path.is_dir():
        return read_folder
    if medium(path.name):
        return read_one
    kind = ending(path)
    if kind == ".json":
        return read_squad
    if kind in TAGGED:
        return read_conll
    reader = READERS.get(kind)
    if reader and not (tagged and reader in (read_csv, read_tsv)):
        return reader
    try:
        text = read_text(path, [], form.encoding)
    except UnavailableError:
        if reader:
            raise
        text = ""  # whatever it is, its ending says nothing
    rows = "columns" in form.given or "header" in form.given
    if text.lstrip().startswith("{"):
        return read_jsonl
    if tagged and not (rows or _has_header(text, named, form)):
        return read_conll
    if text and (rows or form.delimiter or delimiter_of(text, "")):
        return reader or read_csv
    raise UsageError(
        f"'{path}': the ending '{kind}' does not tell the format, nor does the content; known are "
        f"{', '.join([*READERS, '.json', *TAGGED])}, also packed ({', '.join(PACKED)}). For "
        f"aligned text files give the other side with {parameter('train_target')}, for tagged "
        f"words {parameter('kind', 'token_classification')}."
    )


def _has_header(text: str, named: Sequence[str], form: Format) -> bool:
    """Whether the first line of a file of tagged words has names of columns."""
    line = text.lstrip("\n").split("\n", 1)[0]
    delimiter = form.delimiter or delimiter_of(text, ",")
    names = [name.strip().strip('"') for name in line.split(delimiter)]
    return any(name in named or name.lower() in _HEADERS for name in names) and len(names) > 1


def _is_squad(path: Path) -> bool:
    """Whether a JSON file has articles of paragraphs."""
    try:
        whole = json.loads(read_text(path, []))
        return "paragraphs" in whole["data"][0]
    except (ValueError, RecursionError, LookupError, TypeError, UnavailableError):
        return False


def hub_set(name: str) -> HubSet | None:
    """The Hub set that a name means, if it looks like one: ``owner/name:config@revision``."""
    match = _HUB_NAME.fullmatch(name)
    path = Path(name.split(":", maxsplit=1)[0])
    file_like = ending(path) in (*READERS, *TAGGED, ".json", ".txt") or path.suffix in PACKED
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
                name: with_class_names(dataset[name][:], dataset.features[name])
                for name in dataset.column_names
            }
            return Table(columns, str(wanted))

        return read_table

    return {part: reader(get) for part, get in readers.items()}, commit
