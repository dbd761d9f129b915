"""The report's figures on their own, as Plotly shows them in a notebook or writes them to a file.

In a page the colours of a figure are CSS variables, and its legend is part of the page. Here the
colours are what the page's style sheet gives these variables, and the legend is the figure's own.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from autopelt.cards.card import Card, Figure, make_card
from autopelt.errors import InfeasibleError, UsageError, did_you_mean
from autopelt.report.page import KINDS, tidy
from autopelt.study.record import StudyRecord

if TYPE_CHECKING:
    import plotly.graph_objects as go

_VARIABLE = re.compile(r"var\((--[a-z]+)\)")
_TITLE, _LEGEND, _NARROW = 60, 50, 500
"""Pixels: room for the title and for the legend; what a notebook has at least."""


def figure(record: StudyRecord, card: str, which: str = "", dark: bool = False) -> go.Figure:
    """A figure of a card of the report.

    Args:
        record: the study; with importances (`autopelt.study.importance`) for the card on these.
        card: its key in `KINDS`.
        which: of several figures the one whose key ends so; "" for the first.
        dark: in the colours of the page's dark look.

    Raises:
        UsageError: no such card or figure.
        InfeasibleError: the study has nothing yet that this card could show; the message says what.
    """
    kind = next((k for k in KINDS if k.key == card), None)
    if kind is None:
        raise UsageError(f"no card '{card}': {did_you_mean(card, [k.key for k in KINDS])}")
    made = make_card(kind, tidy(record))
    if not made.figures:
        raise InfeasibleError(made.lead if made.missing else f"the card '{card}' has no figure.")
    found = [f for f in made.figures if f.key == which or f.key.endswith(f"-{which}") or not which]
    if not found:
        keys = [f.key.removeprefix(f"{card}-") for f in made.figures]
        raise UsageError(f"no figure '{which}' on card '{card}': {did_you_mean(which, keys)}")
    return _alone(made, found[0], dark)


def _alone(card: Card, shown: Figure, dark: bool) -> go.Figure:
    """The figure with what the page would say around it."""
    import plotly.graph_objects as go

    colours = _colours()[int(dark)]
    made = go.Figure(_resolved({"data": shown.data, "layout": shown.layout}, colours))
    made.update_traces(showlegend=False)
    for symbol, colour, words in shown.legend:
        sign = _sign(symbol, _resolved(colour, colours))
        made.add_scatter(x=[None], y=[None], name=words, showlegend=True, **sign)
    title = f"{card.title}: {shown.heading}" if shown.heading else card.title
    room = _LEGEND if shown.legend else 0
    made.update_layout(
        title={"text": title, "x": 0, "xref": "container", "xanchor": "left", "pad": {"l": 12}},
        height=shown.height + _TITLE + room,
        width=shown.min_width if shown.min_width > _NARROW else None,
        margin={"l": 12, "r": 24, "t": _TITLE + 30, "b": 16 + room},
        paper_bgcolor=colours["--surface"],
        showlegend=bool(shown.legend),
        legend={"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0, "x": 0},
    )
    return made


def _sign(symbol: str, colour: str) -> dict[str, Any]:
    """How an entry of `Figure.legend` is drawn."""
    if symbol in ("line", "dash"):
        return {"mode": "lines", "line": {"color": colour, "dash": symbol.replace("line", "solid")}}
    return {"mode": "markers", "marker": {"symbol": symbol, "color": colour, "size": 10}}


def _resolved(value: Any, colours: dict[str, str]) -> Any:
    """The same plain values with the look's own colours and font for the page's variables."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: colours[found[1]], value)
    if isinstance(value, dict):
        return {key: _resolved(v, colours) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_resolved(v, colours) for v in value]
    return value


@cache
def _colours() -> tuple[dict[str, str], dict[str, str]]:
    """The variables of the page's style sheet, as it has them in its light and its dark look."""
    sheet = resources.files("autopelt.report").joinpath("page.css").read_text(encoding="utf-8")
    light, dark = {}, {}
    for name, value in re.findall(r"^\s*(--[a-z]+):\s*(.+);$", sheet, re.MULTILINE):
        both = re.fullmatch(r"light-dark\((.+), ([#\w]+|rgba\(.+\))\)", value)
        light[name], dark[name] = (both[1], both[2]) if both else (value, value)
    for look in (light, dark):  # Plotly knows no such word
        look["--clear"] = "rgba(0,0,0,0)"
    return light, dark
