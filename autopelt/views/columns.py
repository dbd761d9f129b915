"""A table as wide as a terminal: whole words, without what matters least where need be."""

from collections.abc import Sequence
from dataclasses import dataclass

from autopelt.system.folded import cells, folded
from autopelt.system.printable import printable

GAP = 2
"""Blanks between columns."""
READABLE = 24
"""Columns that a text gets at least, where it is as long as that."""


@dataclass(frozen=True)
class Column:
    """What one column is.

    Attributes:
        name: its heading.
        words: of words, to the left; else of numbers, to the right.
        minor: what is left out first where there is no room, the larger the sooner; 0 never is.
    """

    name: str
    words: bool = False
    minor: int = 0


class Table:
    """Rows of text under headings."""

    def __init__(self, *columns: Column) -> None:
        self.columns = columns
        self.rows: list[tuple[str, ...]] = []

    def add(self, *row: str) -> None:
        """Add a row with a cell for each column."""
        self.rows.append(tuple(" ".join(printable(text).split()) for text in row))

    def lines(self, width: int | None) -> tuple[list[str], list[str]]:
        """(lines of the heading, lines of the rows), of at most so many columns; None: any.

        Where not even the columns that matter fit beside each other, a row is a line for each.
        """
        if not self.rows:
            return [], []
        shown = list(range(len(self.columns)))
        while width is not None and self._least(shown) > width:
            minor = max(shown, key=lambda i: (self.columns[i].minor, i))
            if self.columns[minor].minor == 0:
                return [], self._below(width)
            shown.remove(minor)
        widths = self._widths(shown, width)
        head = _beside([_wrapped(self.columns[i].name, n) for i, n in widths.items()], self, widths)
        body = []
        for row in self.rows:
            body += _beside([_wrapped(row[i], n) for i, n in widths.items()], self, widths)
        gone = dict.fromkeys(c.name for i, c in enumerate(self.columns) if i not in shown)
        if named := ", ".join(filter(None, gone)):
            body += folded(f"(in a wider terminal also: {named})", width).split("\n")
        return head, body

    def _cells(self, i: int) -> list[str]:
        return [row[i] for row in self.rows]

    def _narrowest(self, i: int) -> int:
        """Columns that column `i` cannot do without."""
        texts = self._cells(i)
        words = " ".join([self.columns[i].name, *texts]).split()
        longest = max(map(cells, words), default=0)
        return max(longest, min(READABLE, max(map(cells, texts))))

    def _least(self, shown: Sequence[int]) -> int:
        return sum(map(self._narrowest, shown)) + GAP * (len(shown) - 1)

    def _widths(self, shown: Sequence[int], width: int | None) -> dict[int, int]:
        """Columns of each that is shown: as many as its longest text has, as far as they go."""
        wanted = {i: max(map(cells, [self.columns[i].name, *self._cells(i)])) for i in shown}
        if width is None:
            return wanted
        widths = {i: self._narrowest(i) for i in shown}
        left = width - sum(widths.values()) - GAP * (len(shown) - 1)
        for i in sorted(shown, key=lambda i: self.columns[i].words):  # headings first
            more = min(left, wanted[i] - widths[i])
            widths[i] += more
            left -= more
        return widths

    def _below(self, width: int) -> list[str]:
        """Each row as lines ``heading  text``."""
        names = max(cells(c.name) for c in self.columns)
        made: list[str] = []
        for row in self.rows:
            made += [""] if made else []
            for column, text in zip(self.columns, row, strict=True):
                if text:
                    made += folded(f"{_padded(column.name, names)}  {text}", width).split("\n")
        return made


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of whole words."""
    made = [""]
    for word in text.split():
        if made[-1] and cells(made[-1]) + 1 + cells(word) > width:
            made.append("")
        made[-1] += (" " if made[-1] else "") + word
    return made


def _padded(text: str, width: int, *, right: bool = False) -> str:
    blanks = " " * (width - cells(text))
    return blanks + text if right else text + blanks


def _beside(texts: Sequence[Sequence[str]], table: Table, widths: dict[int, int]) -> list[str]:
    """Wrapped cells beside each other."""
    made = []
    for n in range(max(map(len, texts))):
        row = [
            _padded(lines[n] if n < len(lines) else "", w, right=not table.columns[i].words)
            for lines, (i, w) in zip(texts, widths.items(), strict=True)
        ]
        made.append((" " * GAP).join(row).rstrip())
    return made
