"""Card: what the score depends on, by method, by layer and by kind of choice.

The numbers are worked out by `autopelt.study.importance`, as they need Optuna; this card shows
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autopelt.cards.card import Card, Figure, NothingToShow, cell, table
from autopelt.cards.figure import dashed, names, plain, plot
from autopelt.cards.look import BLUE, FAINT, SURFACE, method_look
from autopelt.cards.wording import listed, method
from autopelt.study.record import Importance, StudyRecord

HEADINGS = {"method": "By method", "choice": "By kind of choice", "layer": "By layer"}
CHOICES = {
    "main_method": "main method",
    "size": "mean size",
    "modules": "number of modules",
    "depth": "mean layer",
    "gates": "share with a gate",
    "learning_rate": "learning rate ×",
}


def importance(record: StudyRecord) -> dict[str, list[Importance]]:
    """Numbers of the card by view: layers from the input up, the others by what they explain.

    Raises:
        NothingToShow: nothing is worked out, or the trials cannot tell.
    """
    if record.importance is None:
        raise NothingToShow(
            "What the score depends on is worked out when the search ends; "
            "autopelt report works it out now."
        )
    if not record.importance:
        raise NothingToShow(
            "Too few complete trials within the budget (15 are needed), or their scores are all "
            "equal: nothing can be said about what the score depends on."
        )
    views: dict[str, list[Importance]] = {}
    for by in HEADINGS:
        parts = [i for i in record.importance if i.by == by]
        if parts:
            parts.sort(key=_depth if by == "layer" else lambda i: (-i.explains, i.name))
            views[by] = parts
    return views


def _depth(i: Importance) -> int:
    return int(i.name) if i.name.isdigit() else -1


def words(i: Importance) -> str:
    """What is judged, for a reader: ``LoRA``, ``layer 3``, ``mean size``."""
    if i.by == "method":
        return method(i.name)
    if i.by == "layer":
        return f"layer {i.name}" if i.name.isdigit() else i.name
    return CHOICES.get(i.name, i.name.replace("_", " "))


def tendency(i: Importance) -> str:
    """Which way it goes: ``more is better``; from a rank correlation of 0.2 on."""
    if i.trend is None:
        return "no order"
    if abs(i.trend) < 0.2:
        return "no clear direction"
    return "more is better" if i.trend > 0 else "less is better"


def draw(by: str, parts: list[Importance]) -> Figure:
    """One bar each, grey where a random number does as well; layers stand upright."""
    upright = by == "layer"
    shown = parts if upright else parts[::-1]
    values, places = [100 * i.explains for i in shown], list(range(len(shown)))
    chance = 100 * parts[0].chance
    figure = plot()
    for same in _alike(shown):
        along, up = [places[n] for n in same], [values[n] for n in same]
        figure.add_bar(
            orientation="v" if upright else "h",
            x=along if upright else up,
            y=up if upright else along,
            width=0.62,
            marker=_marker([shown[n] for n in same]),
            hovertext=[_hover(shown[n]) for n in same],
        )
    most = max([*values, chance, 1.0])
    percent = {"ticksuffix": "%", "range": [0, 1.06 * most], "fixedrange": True, "nticks": 6}
    if upright:
        labels = [i.name if i.name.isdigit() else "emb." for i in shown]
        step = -(-len(shown) // 12)
        category = names(labels[::step], tickvals=places[::step], title_text="layer")
        figure.add_hline(chance, line=dashed())
    else:
        category = names(map(words, shown))
        figure.add_vline(chance, line=dashed())
    ends = [-0.5, len(shown) - 0.5]
    category |= {"range": ends, "showline": True, "ticklabelstandoff": 4}
    figure.update_xaxes(**(category if upright else percent))
    figure.update_yaxes(**(percent if upright else category))
    figure.update_layout(margin_t=8, barmode="overlay")
    best = max(parts, key=lambda i: i.explains)
    return Figure(
        f"importance-{by}",
        f"Share of the scores' variation {HEADINGS[by].lower()}; most by {words(best)}, "
        f"{best.explains:.0%}",
        figure,
        height=300 if upright else 70 + 34 * len(shown),
        heading=HEADINGS[by],
    )


def _look(i: Importance) -> tuple[str, str]:
    """(colour, hatching) of a bar: of a method its own; grey where it is no longer than chance."""
    colour, hatching = method_look(i.name) if i.by == "method" else (BLUE, "")
    return FAINT if i.explains <= i.chance else colour, hatching


def _alike(shown: Sequence[Importance]) -> list[list[int]]:
    """Which bars are drawn at once: all without hatching, and each other alone.

    Plotly takes no list of colours beside hatching without a warning.
    """
    plain = [n for n, i in enumerate(shown) if not _look(i)[1]]
    return [*([plain] if plain else []), *([n] for n in range(len(shown)) if n not in plain)]


def _marker(shown: Sequence[Importance]) -> dict[str, Any]:
    """The look of some bars of `_alike`."""
    looks = list(map(_look, shown))
    colours, hatching = [colour for colour, _ in looks], looks[0][1]
    if not hatching:
        return {"color": colours, "line_width": 0}
    pattern = {"shape": hatching, "fgcolor": SURFACE, "fillmode": "overlay"}
    return {"color": colours[0], "line_width": 0, "pattern": pattern}


def _hover(i: Importance) -> str:
    lines = [f"explains {i.explains:.0%} of the variation of the scores"]
    if i.explains <= i.chance:
        lines.append("no more than a random number")
    if i.trend is not None:
        lines.append(f"{tendency(i)} (rank correlation {i.trend:+.2f})".replace("-", "−"))
    if i.apart is not None:
        lines.append(f"sets the best quarter apart: {i.apart:.0%}")
    return f"<b>{plain(words(i))}</b><br>" + "<br>".join(map(plain, lines))


def card(record: StudyRecord) -> Card:
    """Three bar charts and their numbers."""
    views = importance(record)
    rows = [
        (
            None,
            {
                "View": cell(HEADINGS[by].removeprefix("By ")),
                "Choice": cell(words(i), _depth(i) if by == "layer" else words(i)),
                "Explains": cell(f"{i.explains:.1%}", i.explains),
                "Random number": cell(f"{i.chance:.1%}", i.chance),
                "Best quarter apart": cell(None if i.apart is None else f"{i.apart:.1%}", i.apart),
                "Direction": cell(tendency(i), -2.0 if i.trend is None else i.trend),
            },
        )
        for by, parts in views.items()
        for i in parts
    ]
    return Card(
        lead(views),
        figures=tuple(draw(by, parts) for by, parts in views.items()),
        table=table(rows, text=("Choice", "Direction")),
        note="Share of the variation of the scores that a choice explains (fANOVA), among complete "
        "trials within the budget. The dashed line is the best of three random numbers: a grey bar "
        "explains no more than that. It tells what mattered among the trials of this study, "
        "which are no random sample, and proves no cause.",
    )


def lead(views: dict[str, list[Importance]]) -> str:
    """What stands out in each view, as one sentence."""
    found = []
    for by, parts in views.items():
        best = max(parts, key=lambda i: i.explains)
        if best.explains > best.chance and best.explains >= 0.1:
            what = {"method": "how much {} there is", "layer": "what sits {}", "choice": "the {}"}
            place = words(best)
            if by == "layer":
                place = f"in {place}" if best.name.isdigit() else "at the embeddings"
            if by == "choice" and best.name == "learning_rate":
                place = "learning rate"
            found.append(f"{what[by].format(place)} ({best.explains:.0%})")
    if not found:
        return (
            "No choice explains the scores better than a random number does: "
            "the study is too small or too noisy to tell what matters."
        )
    return f"Scores depend most on {listed(found)}."
