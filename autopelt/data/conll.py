"""Files in the CoNLL way: a word and its fields a line, an empty line after each sentence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autopelt.data.encoding import read_lines
from autopelt.data.readers import FOUND_OUT, Format, Table
from autopelt.errors import UnavailableError, parameter

WORDS, TAGS = "words", "tags"

UNIVERSAL = ("id", WORDS, "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
"""The ten fields of CoNLL-U (https://universaldependencies.org/format.html)."""

OUTSIDE = "O"
"""Tag of a word whose MISC field lacks the key that is the tag."""

_FEW = 4
"""In files of more fields the first may be the name of the document (OntoNotes)."""

_DOCUMENT = "-DOCSTART-"
_NOT_A_WORD = re.compile(r"\d+[-.]\d+")
"""Number of a row for several words at once, or for one that is not there: ``1-2``, ``1.1``."""


@dataclass(frozen=True)
class Word:
    """A line with a word. `line` counts from 1; `fields` are all of it."""

    line: int
    fields: Sequence[str]


@dataclass(frozen=True)
class Tagged:
    """What is in such a file.

    Attributes:
        lines: all of them.
        sentences: the words of each.
        width: fields of a line.
        numbered: the first field counts the words, the second is the word.
    """

    lines: Sequence[str]
    sentences: Sequence[Sequence[Word]]
    width: int
    numbered: bool

    @property
    def word(self) -> int:
        """Which field is the word."""
        return int(self.numbered and self.width > 1)

    @property
    def universal(self) -> bool:
        """Whether it is CoNLL-U."""
        return self.numbered and self.width == len(UNIVERSAL)


def read_conll(paths: Sequence[Path], notes: list[str], form: Format = FOUND_OUT) -> Table:
    """Sentences as columns of lists, ``words`` and others.

    In CoNLL-U the others are its fields by their names in small letters, and ``misc:KEY`` for each
    key of its last. Elsewhere ``tags`` is the last field, and where there are more than two, each
    is a column by its number. Without a second field there is no tag.

    Raises:
        UnavailableError: as `parse`.
    """
    (path,) = paths
    parsed = parse(path, notes, form)
    numbers = [sentence[0].line for sentence in parsed.sentences]

    def column(field: int) -> list[list[str]]:
        return [[word.fields[field] for word in sentence] for sentence in parsed.sentences]

    if parsed.universal:
        columns = {name: column(place) for place, name in enumerate(UNIVERSAL) if place}
        columns |= _misc(columns["misc"])
        return Table(columns, str(path), numbers)
    columns, hint = {WORDS: column(parsed.word)}, ""
    longer = [words for words in columns[WORDS] if len(words) > 1]
    if parsed.width > _FEW and longer and all(len({*words}) == 1 for words in longer):
        columns = {str(place + 1): column(place) for place in range(parsed.width)}
        hint = "The first field is the same all over a sentence; name that of the words with {}."
        return Table(columns, str(path), numbers, hint=hint.format(parameter("text")))
    if parsed.width > parsed.word + 1:
        columns[TAGS] = column(parsed.width - 1)
    else:
        hint = "Each line is a word and its tag, like 'Ljubljana<tab>B-location'."
    if parsed.width > 2 + parsed.numbered:
        columns |= {str(place + 1): column(place) for place in range(parsed.width)}
        notes.append(
            f"'{path.name}' has {parsed.width} fields a line; field {parsed.word + 1} is the word, "
            f"the last its tag. Others are named by their number."
        )
    return Table(columns, str(path), numbers, hint=hint)


def parse(path: Path, notes: list[str], form: Format = FOUND_OUT) -> Tagged:
    """The sentences of a file.

    Fields are separated by tabs if most lines have any, else by blanks. Lines that begin with
    ``-DOCSTART-``, comments before a sentence (``# text = …``), and rows of CoNLL-U that are no
    single word (``1-2``, ``1.1``) are left out.

    Raises:
        UnavailableError: as `autopelt.data.encoding.read_lines`; a line with another number of
            fields than most have, or an empty one; no sentence.
    """
    lines = read_lines(path, notes, form.encoding)
    separator = form.delimiter or _separator(path, lines, notes)
    rows = [(number, _fields(line, separator)) for number, line in enumerate(lines, 1)]
    contents = [fields for _, fields in rows if fields and not fields[0].startswith(("#", "-DOC"))]
    width = Counter(map(len, contents)).most_common(1)[0][0] if contents else 1
    tags = {fields[-1] for fields in contents if len(fields) == width}
    sentences: list[list[Word]] = []
    open_sentence = False
    for number, fields in rows:
        line = lines[number - 1]
        if not fields:
            open_sentence = False
            continue
        if line.startswith(_DOCUMENT) or (
            line.startswith("#") and not open_sentence and not _is_word(fields, width, tags)
        ):
            continue
        _check(path, number, line, fields, width)
        if not open_sentence:
            sentences.append([])
            open_sentence = True
        sentences[-1].append(Word(number, fields))
    numbered = (
        width > 1 and all(map(_counts, sentences)) and max(map(len, sentences), default=0) > 1
    )
    if numbered:
        sentences = [[w for w in s if not _NOT_A_WORD.fullmatch(w.fields[0])] for s in sentences]
    sentences = [sentence for sentence in sentences if sentence]
    if not sentences:
        raise UnavailableError(f"'{path}' has no sentence with words and tags.")
    return Tagged(lines, sentences, width, numbered)


def with_tags(parsed: Tagged, tags: Sequence[Sequence[str]]) -> str:
    """A file with a word and its tag a line; all other lines stay where they are."""
    written = list(parsed.lines)
    for sentence, some in zip(parsed.sentences, tags, strict=True):
        for word, tag in zip(sentence, some, strict=True):
            written[word.line - 1] = f"{word.fields[parsed.word]}\t{tag}"
    return "\n".join(written) + "\n"


def _separator(path: Path, lines: Sequence[str], notes: list[str]) -> str:
    """A tab or a blank, as most lines have it; the others are named."""
    filled = [(n, line) for n, line in enumerate(lines, 1) if line.strip() and line[0] != "#"]
    tabs = [number for number, line in filled if "\t" in line.strip()]
    if tabs and 2 * len(tabs) >= len(filled):
        return "\t"
    if tabs:
        shown = ", ".join(map(str, tabs[:5])) + (", …" if len(tabs) > 5 else "")
        notes.append(
            f"'{path.name}': blanks separate fields, but {len(tabs)} of {len(filled)} lines have a "
            f"tab: {shown}."
        )
    return " "


def _fields(line: str, separator: str) -> list[str]:
    """The fields of a line; none of an empty one."""
    if not line.strip():
        return []
    if separator == " ":  # several blanks are one; a blank that does not break is part of a word
        return re.split(r"[ \t]+", line.strip(" \t"))
    return [field.strip(" ") for field in line.split(separator)]


def _is_word(fields: Sequence[str], width: int, tags: set[str]) -> bool:
    """Whether a line that begins with ``#`` is no comment."""
    return len(fields) == width and (width == 1 or fields[-1] in tags)


def _check(path: Path, number: int, line: str, fields: Sequence[str], width: int) -> None:
    shown = line.strip()[:60]
    if width > 1 and (len(fields) == 1 or not fields[-1]):
        raise UnavailableError(
            f"'{path}' line {number} has no tag: '{shown}'; each line is a word and its tag, like "
            "'Ljubljana<tab>B-location'."
        )
    if len(fields) != width:
        raise UnavailableError(
            f"'{path}' line {number} has {len(fields)} fields ('{shown}'), but most have {width}."
        )
    if not fields[0]:
        raise UnavailableError(f"'{path}' line {number} has no word: '{shown}'.")


def _counts(sentence: Sequence[Word]) -> bool:
    """Whether the first fields count the words of a sentence."""
    numbers = [w.fields[0] for w in sentence if not _NOT_A_WORD.fullmatch(w.fields[0])]
    return numbers == [str(number) for number in range(1, len(numbers) + 1)]


def _misc(column: Sequence[Sequence[str]]) -> Mapping[str, list[list[str]]]:
    """``misc:KEY`` for each key of the MISC fields."""
    parsed = [[dict(p.split("=", 1) for p in m.split("|") if "=" in p) for m in s] for s in column]
    keys = sorted({key for sentence in parsed for pairs in sentence for key in pairs})
    return {
        f"misc:{key}": [[pairs.get(key, OUTSIDE) for pairs in s] for s in parsed] for key in keys
    }
