"""Card: what the front's architectures look like, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autopelt.cards.card import Card, Figure, NothingToShow, Table, cell, table
from autopelt.cards.cells import trial_cells
from autopelt.cards.figure import names, plain, plot
from autopelt.cards.look import BLUE, GRID, INK, method_colour
from autopelt.cards.wording import listed, method, name, plural, share, wrapped
from autopelt.methods import in_order, named
from autopelt.methods.module import Module
from autopelt.study.record import StudyRecord, TrialRecord

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
    figure = plot(select="row", trials=[t.number for t in m.trials])
    widths = [max(len(b.layers), 1.6) for b in m.bands]
    gap = 0.6
    total = sum(widths) + gap * (len(widths) - 1)
    shows_text = total <= MOST_COLUMNS
    left = 0.0
    for number, (band, width) in enumerate(zip(m.bands, widths, strict=True), 1):
        domain = [left / total, min(1.0, (left + width) / total)]
        left += width + gap
        _add_band(figure, band, m.trials, number, domain, shows_text)
    rows = [f"{name(t)[:24]}  {share(t.count.share)}" for t in m.trials]
    figure.update_yaxes(**names(rows, range=[-0.5, len(rows) - 0.5]))
    figure.update_layout(margin_t=46)
    return Figure(
        "map",
        f"Map of {len(m.trials)} front members: size of each method in each layer",
        figure,
        height=80 + 30 * len(rows),
        min_width=150 + round((24 if shows_text else 7) * total),
        max_width=170 + round(56 * total),
    )


def _add_band(
    figure: Any,
    band: Band,
    trials: Sequence[TrialRecord],
    number: int,
    domain: list[float],
    shows_text: bool,
) -> None:
    """Add the heat map of one method, on x axis `number`, and the method's name above it."""
    sizes = band.sizes
    most = max(max(row) for row in sizes)
    # Even the smallest module is well apart from none.
    figure.add_heatmap(
        z=[
            [0.2 + 0.8 * math.log2(1 + s) / math.log2(1 + most) if s else 0 for s in row]
            for row in sizes
        ],
        xaxis=f"x{number}",
        customdata=[[t.number] * len(band.layers) for t in trials],
        hovertext=[
            [_hover(t, band.method, *place) for place in zip(band.layers, row, strict=True)]
            for t, row in zip(trials, band.modules, strict=True)
        ],
        **_heat(method_colour(band.method)),
        **_written([[_told(band, s) for s in row] for row in sizes] if shows_text else None),
    )
    labels = ["" if layer is None else str(layer) for layer in band.layers]
    step = 1 if shows_text else max(1, math.ceil(len(labels) / 4))
    figure.update_layout({f"xaxis{number}": _layer_axis(labels, step, domain=domain)})
    figure.add_annotation(
        text=plain(wrapped(method(band.method), 10)),
        xref="paper",
        x=sum(domain) / 2,
        xanchor="center",
        yref="paper",
        y=1,
        yanchor="bottom",
        yshift=6,
        font={"size": 13, "color": INK},
    )


def _told(band: Band, size: int) -> str:
    """What stands in a cell: the size, a dot of a method that has none, nothing where it is not."""
    return "" if not size else str(size) if named(band.method).size_word else "•"


def _heat(colour: str) -> dict[str, Any]:
    """The look of a heat map of values from 0 to 1."""
    scale = {"zmin": 0, "zmax": 1, "colorscale": [[0, GRID], [1, colour]], "showscale": False}
    return {**scale, "xgap": 2, "ygap": 3}


def _written(texts: list[list[str]] | None) -> dict[str, Any]:
    """What stands in the cells of a heat map."""
    look = {"texttemplate": "%{text}", "textfont_size": 11}
    return {} if texts is None else {"text": texts, **look}


def _layer_axis(labels: Sequence[str], step: int, **more: Any) -> dict[str, Any]:
    """Layers from left to right, every `step`-th with its number."""
    return names(labels[::step], tickvals=list(range(0, len(labels), step)), **more)


def _hover(t: TrialRecord, kind: str, layer: int | None, here: Sequence[Module]) -> str:
    where = "embeddings" if layer is None else f"layer {layer}"
    lines = [
        f"{m.location}: {named(kind).in_words(m.size) or 'there'}"
        + (f", gate {m.gate}" if m.gate else "")
        for m in here
    ] or ["absent"]
    head = f"{name(t)} · {method(kind)} · {where}"
    return f"<b>{plain(head)}</b><br>" + "<br>".join(map(plain, lines))


def draw_usage(m: Map) -> Figure | None:
    """Share of the front that uses each (layer, method); None if nothing sits in a layer."""
    bands = [b for b in m.bands if b.layers != (None,)]
    if not bands:
        return None
    layers = [str(layer) for layer in bands[0].layers]
    shows_text = len(layers) <= 12
    figure = plot()
    figure.add_heatmap(
        z=[b.usage for b in bands],
        hovertext=[
            [
                f"{plain(method(b.method))} in layer {layer}: "
                f"{sum(bool(row[i]) for row in b.modules)} of {len(m.trials)}"
                for i, layer in enumerate(b.layers)
            ]
            for b in bands
        ],
        **_heat(BLUE),
        **_written([[f"{100 * u:.0f}" for u in b.usage] for b in bands] if shows_text else None),
    )
    step = max(1, math.ceil(len(layers) / 16))
    figure.update_xaxes(title_text="layer", **_layer_axis(layers, step))
    figure.update_yaxes(**names(method(b.method) for b in bands))
    figure.update_layout(margin_t=8)
    return Figure(
        "usage",
        "Share of the front's architectures that use each method in each layer",
        figure,
        height=76 + 34 * len(bands),
        heading="Share of the front that uses each place, in percent",
        min_width=150 + (25 if shows_text else 14) * len(layers),
        max_width=170 + 110 * len(layers),
    )


def card(record: StudyRecord) -> Card:
    """The map, and how often each place is used."""
    m = architecture_map(record)
    usage = draw_usage(m)
    return Card(
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
    most = [words for uses, words, _ in means if uses == means[0][0]]
    if len(most) == len(means) > 2:
        parts = [f"all methods are used alike by the {count}"]
    else:
        verb = "is the method" if len(most) == 1 else "are the methods"
        parts = [f"{listed(most)} {verb} used most by the {count}"]
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


def _table(m: Map) -> Table | None:
    rows = []
    for i, t in enumerate(m.trials):
        cells = trial_cells(t, "Trial", "Score", "Share")
        for b in m.bands:
            cells[method(b.method).capitalize()] = cell(
                sum(x.size for c in b.modules[i] for x in c)
            )
        rows.append((t.number, cells))
    return table(rows)
