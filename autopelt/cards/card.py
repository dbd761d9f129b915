"""What a report is made of: cards, and the few kinds of content a card may hold.

A card module has a *numbers* function (values out of a `StudyRecord`; tests look at these), a
*drawing* function (numbers to a `Figure`), and `card`, which puts both together. Text in a card is
plain text: the page escapes it, and `Figure` text is escaped by `autopelt.cards.figure.plain`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any


class NothingToShow(Exception):  # noqa: N818 - not an error: the reason a card stays empty
    """A card cannot be made of this study; the message says why, as one sentence for the reader."""


@dataclass(frozen=True)
class Figure:
    """A Plotly figure, and what the page says around it.

    Attributes:
        key: unique in the page.
        words: what it shows, for someone who cannot see it.
        plot: the figure (`autopelt.cards.figure.plot`).
        height: in pixels.
        heading: short heading above it where a card has several.
        legend: (symbol, colour, words) of each kind of mark; the page draws it above the figure.
        min_width, max_width: in pixels, 0 for none; a window narrower than `min_width` scrolls the
            figure sideways.
        ordered: the page offers to colour its points by trial order.
    """

    key: str
    words: str
    plot: Any
    height: int = 420
    heading: str = ""
    legend: tuple[tuple[str, str, str], ...] = ()
    min_width: int = 0
    max_width: int = 0
    ordered: bool = False

    @property
    def data(self) -> list[dict[str, Any]]:
        """Its traces as plotly.js takes them."""
        return list(self.plot.to_plotly_json()["data"])

    @property
    def layout(self) -> dict[str, Any]:
        """Its layout as plotly.js takes it."""
        return dict(self.plot.to_plotly_json()["layout"])


@dataclass(frozen=True)
class Fact:
    """One value with its name, and a remark."""

    name: str
    value: str
    remark: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Command:
    """One command line to copy, and what it does."""

    words: str
    line: str


@dataclass(frozen=True)
class Finding:
    """One health check: ``good``, ``note`` or ``warning``; what was seen, and what to do."""

    level: str
    words: str
    advice: str = ""


@dataclass(frozen=True)
class Cell:
    """One table cell: text, the value to sort by, and a mark (``state-failed``) for its look."""

    text: str
    sort: float | str | None = None
    mark: str = ""


@dataclass(frozen=True)
class Row:
    """One table row; `trial` makes it selectable, `state` lets it be filtered."""

    cells: tuple[Cell, ...]
    trial: int | None = None
    state: str = ""


@dataclass(frozen=True)
class Column:
    """A column: heading, whether it holds numbers, and whether a narrow card may drop it.

    `minor` 2 goes first, then 1; 0 always stays.
    """

    name: str
    number: bool = False
    minor: int = 0


@dataclass(frozen=True)
class Table:
    """A sortable table.

    `folded` puts it behind a toggle with these words; `csv` gives it a search field, the `filters`
    (state, number of rows), and a download of the page's CSV.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    folded: str = "Show the numbers as a table"
    filters: tuple[tuple[str, int], ...] = ()
    csv: bool = False


@dataclass(frozen=True)
class Card:
    """One card: a title, one lead sentence, and content in a fixed order.

    `stacked` puts several figures below each other, else they stand side by side where they fit.
    """

    lead: str
    facts: tuple[Fact, ...] = ()
    figures: tuple[Figure, ...] = ()
    findings: tuple[Finding, ...] = ()
    commands: tuple[Command, ...] = ()
    table: Table | None = None
    note: str = ""
    missing: bool = False
    stacked: bool = False
    key: str = ""
    title: str = ""


@dataclass(frozen=True)
class Kind:
    """A card the report knows how to make, of a `StudyRecord` or an `Overlay`."""

    key: str
    title: str
    make: Callable[[Any], Card]


def cell(text: Any, sort: float | str | None = None, mark: str = "") -> Cell:
    """A cell; what cannot be shown is an en dash. A number sorts as itself."""
    if text in (None, "", "–"):
        return Cell("–", sort, mark)
    key = text if isinstance(text, int | float) else str(text)
    return Cell(str(text), key if sort is None else sort, mark)


def table(
    rows: Iterable[tuple[int | None, Mapping[str, Cell]]],
    text: Collection[str] = (),
    folded: str = Table.folded,
) -> Table | None:
    """A table of rows, each of its trial (or None) and its cells by column; None without rows.

    All columns but the first and those named in `text` are of numbers.
    """
    every = list(rows)
    columns = (
        [Column(n, i > 0 and n not in text) for i, n in enumerate(every[0][1])] if every else []
    )
    made = tuple(Row(tuple(cells.values()), trial) for trial, cells in every)
    return Table(tuple(columns), made, folded) if every else None


def make_card(kind: Kind, record: Any) -> Card:
    """Make one card of a `StudyRecord`, or of what else its kind takes.

    It never raises: a card that cannot be made becomes a card that says why.
    """
    try:
        card = kind.make(record)
    except NothingToShow as reason:
        card = Card(str(reason), missing=True)
    except Exception as error:
        words = " ".join(str(error).split())[:200]
        card = Card(
            f"This card could not be made ({type(error).__name__}: {words}). "
            "The rest of the report is not affected.",
            missing=True,
        )
    return replace(card, key=kind.key, title=kind.title)


def flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested plain values as (dotted name, text) pairs, for a table of settings."""
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            pairs += flat(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple):
            pairs.append((f"{prefix}{name}", ", ".join(str(v) for v in value) or "–"))
        else:
            pairs.append((f"{prefix}{name}", "–" if value is None else str(value)))
    return pairs
