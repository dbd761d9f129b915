"""Colours and looks of points. A colour is a CSS variable that the page resolves to its look.

They have the hues of Okabe and Ito ("Color Universal Design", 2008), an indigo and a brown, and
stay apart for every kind of colour vision, which a test of the page measures; whatever a colour
says, a symbol, a dash or a word says as well. Methods of one kind share a hue and are told apart by
their hatching.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autopelt.methods import named

BLUE = "var(--blue)"
ORANGE = "var(--orange)"
VERMILION = "var(--vermilion)"
GREEN = "var(--green)"
PURPLE = "var(--purple)"
INK = "var(--ink)"
MUTED = "var(--muted)"
FAINT = "var(--faint)"
LINE = "var(--line)"
GRID = "var(--grid)"
SURFACE = "var(--surface)"


def method_colour(name: str) -> str:
    """Of a method; a muted one for a name that is none."""
    return f"var({named(name).colour})"


def method_look(name: str) -> tuple[str, str]:
    """(colour, hatching) of a method; no two methods share both."""
    return method_colour(name), named(name).pattern


@dataclass(frozen=True)
class Look:
    """How the points of one kind are drawn, and what a legend says of them.

    Attributes:
        edge: width of the line around a point that sets it off from what lies below.
        hollow: only its outline is coloured.
        dash: of the line that joins the points, where there is one.
    """

    words: str
    symbol: str
    colour: str
    size: float = 10
    edge: float = 2
    hollow: bool = False
    dash: str = "solid"

    @property
    def marker(self) -> dict[str, Any]:
        """As Plotly takes it."""
        fill, line = (SURFACE, self.colour) if self.hollow else (self.colour, SURFACE)
        width = 1.8 if self.hollow else self.edge
        shape = {"symbol": self.symbol, "size": self.size, "color": fill}
        return {**shape, "line": {"width": width, "color": line}}

    @property
    def legend(self) -> tuple[str, str, str]:
        """An entry of `Figure.legend`."""
        return self.symbol + ("-open" if self.hollow else ""), self.colour, self.words
