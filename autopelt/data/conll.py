"""Read files in the CoNLL way: a word and its tag a line, an empty line after each sentence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autopelt.data.readers import Table, read_lines
from autopelt.errors import UnavailableError

_DOCUMENT = "-DOCSTART-"


def read_conll(paths: Sequence[Path], notes: list[str]) -> Table:
    """Sentences as columns ``words`` and ``tags``.

    The first field of a line is the word, the last its tag; between them there may be more. Fields
    are separated by tabs if the file has any, else by spaces. Lines that begin with ``-DOCSTART-``,
    and comments before a sentence as CoNLL-U has them (``# text = …``), are left out.

    Raises:
        UnavailableError: as `autopelt.data.readers.read_lines`; a line without a tag; no sentence.
    """
    (path,) = paths
    lines = read_lines(path)
    separator = "\t" if any("\t" in line.strip() for line in lines) else None
    words: list[list[str]] = []
    tags: list[list[str]] = []
    numbers: list[int] = []
    open_sentence = False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            open_sentence = False
            continue
        if line.startswith(_DOCUMENT) or (line.startswith("# ") and not open_sentence):
            continue
        fields = line.strip("\r\n").split(separator)
        if len(fields) < 2 or not fields[-1].strip():
            raise UnavailableError(
                f"'{path}' line {number} has no tag: '{line.strip()[:60]}'; each line is a word "
                "and its tag, like 'Ljubljana<tab>B-location'."
            )
        if not open_sentence:
            words.append([])
            tags.append([])
            numbers.append(number)
            open_sentence = True
        words[-1].append(fields[0])
        tags[-1].append(fields[-1].strip())
    if not words:
        raise UnavailableError(f"'{path}' has no sentence with words and tags.")
    return Table({"words": words, "tags": tags}, str(path), numbers)
