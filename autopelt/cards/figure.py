"""Parts that every figure shares: the quiet look, axes, points and lines, escaped text."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from autopelt.cards.look import GRID, INK, LINE, MUTED, Look


def plain(text: object) -> str:
    """Text that Plotly shows as it is: its small HTML and its templates are escaped, lines stay."""
    escaped = html.escape(str(text), quote=False).replace("%{", "%&#123;")
    return escaped.replace("\n", "<br>")


def short(label: str) -> str:
    """A name that fits beside a point."""
    return label if len(label) <= 24 else label[:23] + "…"


@cache
def _template() -> Any:
    """The quiet look."""
    from plotly.graph_objects import layout

    axis = {
        "title": {"text": "", "font": {"size": 13, "color": MUTED}, "standoff": 10},
        "gridcolor": GRID,
        "linecolor": LINE,
        "tickcolor": LINE,
        "tickfont": {"size": 12, "color": MUTED},
        "showline": True,
        "ticks": "outside",
        "zeroline": False,
        "automargin": True,
    }
    font = {"family": "var(--font)", "size": 13, "color": INK}
    trace = [{"hoverinfo": "text"}]
    return layout.Template(
        data={"scatter": trace, "bar": [{**trace[0], "textposition": "none"}], "heatmap": trace},
        layout={
            "xaxis": axis,
            "yaxis": axis,
            "paper_bgcolor": "var(--clear)",
            "plot_bgcolor": "var(--clear)",
            "font": font,
            "margin": {"l": 8, "r": 12, "t": 30, "b": 8},
            "hovermode": "closest",
            "hoverlabel": {
                "bgcolor": "var(--raised)",
                "bordercolor": LINE,
                "font": font,
                "align": "left",
                "namelength": 0,
            },
            "showlegend": False,
            "annotationdefaults": {"showarrow": False, "font": {"size": 12, "color": MUTED}},
        },
    )


def plot(y_name: str = "", **meta: Any) -> Any:
    """An empty `plotly.graph_objects.Figure` of the quiet look.

    Args:
        y_name: name of the y axis; it lies level above it, easier to read than a turned one.
        meta: what the page's script is to know: ``select`` (how it shows the selected trial).
    """
    # Plotly is loaded by who draws, not by who asks a card for its numbers.
    from plotly.graph_objects import Figure

    empty = Figure(layout={"template": _template(), "meta": meta})
    if y_name:
        corner = {"x": 0, "y": 1, "xref": "paper", "yref": "paper"}
        empty.add_annotation(
            text=plain(y_name), xanchor="left", yanchor="bottom", yshift=8, font_size=13, **corner
        )
    return empty


def names(labels: Iterable[str], **more: Any) -> dict[str, Any]:
    """An axis of names at 0, 1, …: neither grid nor ticks."""
    texts = [plain(label) for label in labels]
    quiet = {"showgrid": False, "showline": False, "ticks": "", "ticklabelstandoff": 5}
    places = {"tickvals": list(range(len(texts))), "ticktext": texts, "tickangle": 0}
    return {**quiet, **places, "fixedrange": True, **more}


def add_points(
    figure: Any, look: Look, points: Sequence[tuple[int, float, float, str]], **more: Any
) -> None:
    """Add points, each of (number of its trial, x, y, what it says on hover)."""
    numbers, xs, ys, words = map(list, zip(*points, strict=True))
    where = {"x": xs, "y": ys, "customdata": numbers, "hovertext": words}
    figure.add_scatter(mode="markers", marker=look.marker, cliponaxis=False, **where, **more)


def add_steps(
    figure: Any, steps: Sequence[tuple[float, float]], colour: str, dash: str = "solid"
) -> None:
    """Add a stepped front through the (x, y) of its corners."""
    line = {"shape": "hv", "color": colour, "width": 2, "dash": dash}
    xs, ys = map(list, zip(*steps, strict=True))
    figure.add_scatter(mode="lines", x=xs, y=ys, line=line, hoverinfo="skip")


def error_bars(lengths: Sequence[float], colour: str) -> dict[str, Any]:
    """Bars of these lengths to both sides."""
    look = {"color": colour, "thickness": 1.4, "width": 5}
    return {"type": "data", "array": list(lengths), **look}


def dashed(colour: str = INK, width: float = 1.2) -> dict[str, Any]:
    """The look of a dashed line across a figure."""
    return {"color": colour, "width": width, "dash": "dash"}


def padded(values: Sequence[float], share: float = 0.08) -> list[float]:
    """[low, high] around the values with some room; a single value gets room too."""
    if not values:
        return [0.0, 1.0]
    low, high = min(values), max(values)
    room = (high - low) * share or max(abs(high) * 0.05, 0.02)
    return [low - room, high + room]


def share_axis(low: float, high: float, zero: float | None) -> dict[str, Any]:
    """The axis of parameters as shares of the backbone, in percent, logarithmic.

    Args:
        low, high: ends of the axis.
        zero: where 0 has its place, or None.
    """
    values, texts = share_ticks(low, high, zero)
    return {
        "title_text": "parameters, share of the backbone (log)",
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": values,
        "ticktext": texts,
        "tickangle": 0,
    }


def share_ticks(low: float, high: float, zero: float | None) -> tuple[list[float], list[str]]:
    """Tick positions in percent and their texts.

    Args:
        low, high: ends of the axis.
        zero: where 0 has its place, or None.
    """
    floor = zero * 10**0.2 if zero is not None else low
    wide = math.log10(high / floor)
    digits = (1, 2, 5) if wide <= 2 else (1, 3) if wide <= 4 else (1,)
    values = [
        digit * 10.0**power
        for power in range(math.floor(math.log10(floor)), math.ceil(math.log10(high)) + 1)
        for digit in digits
        if floor <= digit * 10.0**power <= high
    ]
    texts = [f"{v:.10f}".rstrip("0").rstrip(".") + "%" for v in values]
    return ([zero, *values], ["0", *texts]) if zero is not None else (values, texts)
