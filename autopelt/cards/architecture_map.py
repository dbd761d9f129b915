"""Card: what the front's architectures look like, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autopelt.cards.card import Card, Figure, NothingToShow, Row, Table, cell, table
from autopelt.cards.figure import axis, layout, plain
from autopelt.cards.wording import listed, method, name, plural, score, share, wrapped
from autopelt.methods import in_order, named
from autopelt.methods.module import Module
from autopelt.study.record import StudyRecord, TrialRecord

TITLE = "Architecture map"
MOST_ROWS = 30
MOST_COLUMNS = 32
"""With more columns the sizes are not written into the cells: all bands in one view say more."""


@dataclass(frozen=True)
class Band:
    """One method over the layers.

    Attributes:
        layers: layer indices, or (None,) for a method at the embeddings.
        modules: [row][column] the modules of this method there.
        sizes: [row][column] the largest of their sizes, 0 for none.
        usage: share of the rows that have any, by column.
    """

    method: str
    layers: tuple[int | None, ...]
    modules: tuple[tuple[tuple[Module, ...], ...], ...]

    @property
    def sizes(self) -> list[list[int]]:
        """The largest size in each cell."""
        return [[max((m.size for m in c), default=0) for c in row] for row in self.modules]

    @property
    def usage(self) -> list[float]:
        """Share of the rows that use the method in each column."""
        return [
            sum(bool(row[i]) for row in self.modules) / len(self.modules)
            for i in range(len(self.layers))
        ]


@dataclass(frozen=True)
class Map:
    """Front members by growing parameters, and one band a method."""

    trials: tuple[TrialRecord, ...]
    bands: tuple[Band, ...]


def architecture_map(record: StudyRecord) -> Map:
    """Numbers of the card. Raises NothingToShow if no front member has a module."""
    members = [t for t in record.front if t.architecture.modules]
    if not members:
        raise NothingToShow("No architecture on the front has a module yet, so there is no map.")
    if len(members) > MOST_ROWS:
        step = (len(members) - 1) / (MOST_ROWS - 1)
        members = [members[round(i * step)] for i in range(MOST_ROWS)]
    found = [m for t in members for m in t.architecture.modules]
    layers = max([record.backbone.layers, *(m.layer + 1 for m in found if m.layer is not None)])
    bands = []
    for method_name in in_order(m.method for m in found):
        mine = [[m for m in t.architecture.modules if m.method == method_name] for t in members]
        inside = any(m.layer is not None for row in mine for m in row)
        columns: tuple[int | None, ...] = tuple(range(layers)) if inside else (None,)
        cells = tuple(
            tuple(tuple(m for m in row if m.layer == layer) for layer in columns) for row in mine
        )
        bands.append(Band(method_name, columns, cells))
    return Map(tuple(members), tuple(bands))


def draw(m: Map) -> Figure:
    """One heat map a method side by side; the rows are the front members."""
    widths = [max(len(b.layers), 1.6) for b in m.bands]
    gap = 0.6
    total = sum(widths) + gap * (len(widths) - 1)
    data: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    notes: list[dict[str, Any]] = []
    left = 0.0
    shows_text = total <= MOST_COLUMNS
    for i, (band, width) in enumerate(zip(m.bands, widths, strict=True)):
        suffix = "" if i == 0 else str(i + 1)
        domain = [left / total, (left + width) / total]
        left += width + gap
        labels = ["" if layer is None else str(layer) for layer in band.layers]
        step = 1 if shows_text else max(1, math.ceil(len(labels) / 4))
        axes[f"xaxis{suffix}"] = axis(
            domain=domain,
            tickvals=list(range(0, len(labels), step)),
            ticktext=labels[::step],
            tickangle=0,
            showgrid=False,
            ticks="",
            showline=False,
            fixedrange=True,
        )
        data.append(_heat(band, m.trials, f"x{suffix}", shows_text))
        notes.append(
            {
                "text": plain(wrapped(method(band.method), 10)),
                "xref": "paper",
                "x": sum(domain) / 2,
                "xanchor": "center",
                "yref": "paper",
                "y": 1,
                "yanchor": "bottom",
                "yshift": 6,
                "showarrow": False,
                "font": {"size": 13, "color": "--ink"},
            }
        )
    rows = [f"{name(t)[:24]}  {share(t.count.share)}" for t in m.trials]
    y = axis(
        tickvals=list(range(len(rows))),
        ticktext=[plain(r) for r in rows],
        showgrid=False,
        ticks="",
        ticklabelstandoff=5,
        showline=False,
        range=[-0.5, len(rows) - 0.5],
        fixedrange=True,
    )
    shown = layout(axes.pop("xaxis"), y, annotations=notes, **axes)
    shown["margin"] = {**shown["margin"], "t": 46}
    shown["meta"] = {"select": "row", "trials": [t.number for t in m.trials]}
    words = f"Map of {len(m.trials)} front members: size of each method in each layer"
    return Figure(
        "map",
        words,
        data,
        shown,
        height=80 + 30 * len(rows),
        min_width=150 + round((24 if shows_text else 7) * total),
        max_width=170 + round(56 * total),
    )


def _heat(band: Band, trials: Sequence[TrialRecord], x: str, text: bool) -> dict[str, Any]:
    sizes = band.sizes
    most = max(max(row) for row in sizes)
    colour = named(band.method).colour
    trace = {
        "type": "heatmap",
        "xaxis": x,
        # Even the smallest module is well apart from none.
        "z": [
            [0.2 + 0.8 * math.log2(1 + s) / math.log2(1 + most) if s else 0 for s in row]
            for row in sizes
        ],
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, "--grid"], [1, colour]],
        "showscale": False,
        "xgap": 2,
        "ygap": 3,
        "customdata": [[t.number] * len(band.layers) for t in trials],
        "hoverinfo": "text",
        "hovertext": [
            [
                _hover(t, band.method, layer, here)
                for layer, here in zip(band.layers, row, strict=True)
            ]
            for t, row in zip(trials, band.modules, strict=True)
        ],
    }
    if text:
        trace |= {
            "text": [[str(s) if s else "" for s in row] for row in sizes],
            "texttemplate": "%{text}",
            "textfont": {"size": 11},
        }
    return trace


def _hover(t: TrialRecord, kind: str, layer: int | None, here: Sequence[Module]) -> str:
    where = "embeddings" if layer is None else f"layer {layer}"
    lines = [
        f"{m.location}: size {m.size}" + (f", gate {m.gate}" if m.gate else "") for m in here
    ] or ["absent"]
    head = f"{name(t)} · {method(kind)} · {where}"
    return f"<b>{plain(head)}</b><br>" + "<br>".join(map(plain, lines))


def draw_usage(m: Map) -> Figure | None:
    """Share of the front that uses each (layer, method); None if nothing sits in a layer."""
    bands = [b for b in m.bands if b.layers != (None,)]
    if not bands:
        return None
    layers = list(bands[0].layers)
    step = max(1, math.ceil(len(layers) / 16))
    trace = {
        "type": "heatmap",
        "z": [b.usage for b in bands],
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, "--grid"], [1, "--blue"]],
        "showscale": False,
        "xgap": 2,
        "ygap": 3,
        "hoverinfo": "text",
        "hovertext": [
            [
                f"{plain(method(b.method))} in layer {layer}: "
                f"{sum(bool(row[i]) for row in b.modules)} of {len(m.trials)}"
                for i, layer in enumerate(b.layers)
            ]
            for b in bands
        ],
    }
    if len(layers) <= 12:
        trace |= {
            "text": [[f"{100 * u:.0f}" for u in b.usage] for b in bands],
            "texttemplate": "%{text}",
            "textfont": {"size": 11},
        }
    x = axis(
        "layer",
        tickvals=list(range(0, len(layers), step)),
        ticktext=[str(n) for n in layers[::step]],
        showgrid=False,
        ticks="",
        ticklabelstandoff=5,
        showline=False,
        tickangle=0,
        fixedrange=True,
    )
    y = axis(
        tickvals=list(range(len(bands))),
        ticktext=[plain(method(b.method)) for b in bands],
        showgrid=False,
        ticks="",
        ticklabelstandoff=5,
        showline=False,
        fixedrange=True,
    )
    shown = layout(x, y)
    shown["margin"] = {**shown["margin"], "t": 8}
    return Figure(
        "usage",
        "Share of the front's architectures that use each method in each layer",
        [trace],
        shown,
        height=76 + 34 * len(bands),
        heading="Share of the front that uses each place, in percent",
        min_width=150 + (25 if len(layers) <= 12 else 14) * len(layers),
        max_width=170 + 110 * len(layers),
    )


def card(record: StudyRecord) -> Card:
    """The map, and how often each place is used."""
    m = architecture_map(record)
    usage = draw_usage(m)
    return Card(
        "map",
        TITLE,
        lead(m),
        figures=(draw(m), *((usage,) if usage else ())),
        table=_table(m),
        note="Rows are front members, the largest on top; columns are layers, 0 next to the input. "
        "Stronger colour is a larger module.",
        stacked=True,
    )


def lead(m: Map) -> str:
    """Where the front's modules sit, as one sentence."""
    count = plural(len(m.trials), "front member")
    means = []
    for band in m.bands:
        if band.layers == (None,):
            continue
        uses = [
            layer
            for row in band.modules
            for layer, here in zip(band.layers, row, strict=True)
            if here and layer is not None
        ]
        if uses and len(band.layers) > 1:
            depth = sum(uses) / len(uses) / (len(band.layers) - 1)
            half = "upper" if depth > 0.55 else "lower" if depth < 0.45 else ""
            means.append((len(uses), method(band.method), half))
    if not means:
        return f"The {count} put modules at the embeddings only."
    means.sort(reverse=True)
    if len(m.bands) == 1:
        verb = "uses" if len(m.trials) == 1 else "use"
        return f"The {count} {verb} {means[0][1]} only{_half(means[0][2])}."
    parts = [f"{means[0][1]} is the method used most by the {count}"]
    for half in ("upper", "lower"):
        here = [words for _, words, where in means if where == half]
        who = "all methods" if len(here) == len(means) > 2 else listed(here) if here else ""
        if who:
            verb = "sits" if len(here) == 1 else "sit"
            parts.append(f"{who} {verb} mostly in the {half} layers")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _half(half: str) -> str:
    return f", mostly in the {half} layers" if half else ""


def _table(m: Map) -> Table:
    names = ("Trial", "Score", "Share", *(method(b.method).capitalize() for b in m.bands))
    rows = []
    for i, t in enumerate(m.trials):
        totals = [sum(x.size for here in b.modules[i] for x in here) for b in m.bands]
        rows.append(
            Row(
                (
                    cell(name(t), t.number),
                    cell(score(t.score), t.score),
                    cell(share(t.count.share), t.count.share),
                    *(cell(n, n) for n in totals),
                ),
                trial=t.number,
            )
        )
    return table(names, rows, names[1:])
