"""Lines as wide as a terminal: they go on below, and no word is cut."""

import re
import shutil
import sys
import unicodedata

LEAST = 20
"""Columns that are taken to be there at least; nobody reads in fewer."""

_PART = re.compile(r" *\S+")
_COLUMN = re.compile(r"\S {2,}(?=\S)")
_COMMAND = "autopelt "


def columns(*, err: bool = False) -> int | None:
    """Columns of the terminal that a stream goes to; None for a file or a pipe, which has none."""
    stream = sys.stderr if err else sys.stdout
    return max(LEAST, shutil.get_terminal_size().columns) if stream.isatty() else None


def cells(text: str) -> int:
    """Columns that a text takes: two for a wide character, none for an accent of the one before."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def folded(text: str, width: int | None) -> str:
    """Lines of at most so many columns, but for a word that is longer; None changes nothing.

    A line goes on below its last column of words, or a bit to the right of where it began. A
    command in a column or set in, which somebody will copy, goes on behind a backslash.
    """
    if width is None:
        return text
    return "\n".join(piece for line in text.split("\n") for piece in _fold(line, width))


def shortened(text: str, width: int) -> str:
    """One line of at most so many columns: whole words, then ``…`` where some are left out."""
    if cells(text) <= width:
        return text
    kept = ""
    for part in _PART.findall(text):
        if cells(kept + part) > width - 2:
            break
        kept += part
    return f"{kept} …" if kept else text[: max(0, width - 1)] + "…"


def _fold(line: str, width: int) -> list[str]:
    if cells(line) <= width:
        return [line]
    begin = len(line) - len(line.lstrip(" "))
    usual = begin + 2
    stops = [found.end() for found in _COLUMN.finditer(line) if found.end() <= width // 2]
    under = stops[-1] if stops else usual
    copied = line[under if stops else begin :].startswith(_COMMAND) and (stops or begin)
    ending = " \\" if copied else ""
    made, row = [], ""
    for part in _PART.findall(line):
        if row and cells(row + part) > width - len(ending):
            made.append(row + ending)
            word = part.lstrip(" ")
            row = " " * (under if under + cells(word) <= width else usual) + word
        else:
            row += part
    return [*made, row]
