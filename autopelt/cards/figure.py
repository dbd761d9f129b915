"""Parts that every figure shares: escaped text, the quiet layout, colours and symbols.

Colours are names of the page's CSS variables, resolved in the browser for the light or dark look.
They are the palette of Okabe and Ito ("Color Universal Design", 2008) and an indigo, which stay
apart for every kind of colour vision; whatever a colour says, a symbol or a dash says as well.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

from autopelt.methods import METHODS, named

METHOD_COLOURS = {name: method.colour for name, method in METHODS.items()}
OTHER_METHOD = named("").colour

STATE_COLOURS = {
    "complete": "--blue",
    "failed": "--vermilion",
    "running": "--green",
    "stopped": "--orange",
}
STATE_SYMBOLS = {
    "complete": "circle",
    "failed": "x",
    "running": "triangle-right",
    "stopped": "square",
}


def plain(text: object) -> str:
    """Text that Plotly shows as it is: its small HTML and its templates are escaped, lines stay."""
    escaped = html.escape(str(text), quote=False).replace("%{", "%&#123;")
    return escaped.replace("\n", "<br>")


def short(label: str) -> str:
    """A name that fits beside a point."""
    return label if len(label) <= 24 else label[:23] + "…"


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """A quiet axis."""
    return {
        "title": {"text": plain(title), "font": {"size": 13, "color": "--muted"}, "standoff": 10},
        "gridcolor": "--grid",
        "linecolor": "--line",
        "tickcolor": "--line",
        "tickfont": {"size": 12, "color": "--muted"},
        "zeroline": False,
        "automargin": True,
        **more,
    }


def layout(x: dict[str, Any], y: dict[str, Any], y_name: str = "", **more: Any) -> dict[str, Any]:
    """The layout that all figures have in common."""
    return {
        "xaxis": x,
        "yaxis": y,
        "paper_bgcolor": "--clear",
        "plot_bgcolor": "--clear",
        "font": {"family": "--font", "size": 13, "color": "--ink"},
        "margin": {"l": 8, "r": 12, "t": 30, "b": 8},
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": "--raised",
            "bordercolor": "--line",
            "font": {"family": "--font", "size": 13, "color": "--ink"},
            "align": "left",
            "namelength": 0,
        },
        "showlegend": False,
        "dragmode": False,
        **more,
        "annotations": [*(over(y_name) if y_name else ()), *more.get("annotations", ())],
    }


def over(y_name: str) -> list[dict[str, Any]]:
    """The name of the y axis, level and above it: easier to read than a turned one."""
    return [
        {
            "text": plain(y_name),
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "yshift": 8,
            "showarrow": False,
            "font": {"size": 13, "color": "--muted"},
        }
    ]


def finite(value: Any) -> Any:
    """The same plain values with NaN and infinities as None: JSON has neither."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [finite(v) for v in value]
    return value


def padded(values: Sequence[float], share: float = 0.08) -> list[float]:
    """[low, high] around the values with some room; a single value gets room too."""
    if not values:
        return [0.0, 1.0]
    low, high = min(values), max(values)
    room = (high - low) * share or max(abs(high) * 0.05, 0.02)
    return [low - room, high + room]


def share_axis(low: float, high: float, zero: float | None, **more: Any) -> dict[str, Any]:
    """The axis of parameters as shares of the backbone, in percent, logarithmic.

    Args:
        low, high: ends of the axis.
        zero: where 0 has its place, or None.
    """
    values, texts = share_ticks(low, high, zero)
    return axis(
        "parameters, share of the backbone (log)",
        type="log",
        range=[math.log10(low), math.log10(high)],
        tickvals=values,
        ticktext=texts,
        tickangle=0,
        **more,
    )


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
