"""One page for several studies; made of the same parts as the report of one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autopelt.cards.card import Card, make_card
from autopelt.cards.look import method_look
from autopelt.cards.wording import plural
from autopelt.report.overlay import Overlay, budget_words, overlay
from autopelt.report.overlay_cards import KINDS
from autopelt.report.page import (
    figure_values,
    method_words,
    render,
    tidy,
    trial_values,
    write_page,
)
from autopelt.study.record import StudyRecord


def build_overlay(records: Sequence[StudyRecord], folder: Path) -> Path:
    """Write ``folder/index.html`` of several studies, by rename, and return its path.

    Raises:
        UsageError: the studies have another metric, backbone, task or data.
    """
    return write_page(folder / "index.html", overlay_page(records))


def overlay_page(records: Sequence[StudyRecord]) -> str:
    """The HTML text."""
    made = overlay([tidy(r) for r in records])
    cards = [make_card(kind, made) for kind in KINDS]
    names = [m.name for m in made.members]
    first = made.members[0].record
    title = " · ".join(names)
    return render(
        title=title if len(title) < 60 else plural(len(names), "study", "studies"),
        eyebrow=f"autopelt, {plural(len(names), 'study', 'studies')} compared",
        subtitle=f"{first.task.name or 'task'} on {first.backbone.short_name} · "
        f"budget {budget_words(made)}",
        cards=cards,
        values=overlay_values(made, cards),
    )


def overlay_values(made: Overlay, cards: Sequence[Card]) -> dict[str, Any]:
    """What the page's script knows; trials carry their study's name."""
    trials = []
    for m in made.members:
        chosen = {t.architecture for t in m.record.front}
        for t in m.record.complete:
            values = trial_values(t, m.record, t.architecture in chosen)
            remark = " · ".join(filter(None, (m.words, values["remark"])))
            trials.append(values | {"number": m.key(t), "remark": remark})
    words = method_words(t for m in made.members for t in m.record.trials)
    tops = [
        (m.record.expected(top), -m.offset, m.key(top))
        for m in made.members
        if (top := m.record.best)
    ]
    return {
        "metric": made.metric,
        "layers": made.members[0].record.backbone.layers,
        "best": max(tops)[2] if tops else None,
        "methods": words,
        "looks": {name: method_look(name) for name in words},
        "figures": figure_values(cards),
        "trials": trials,
        "csv": "",
    }
