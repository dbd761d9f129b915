"""Puts the cards into one HTML file that needs nothing outside itself."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from importlib import resources
from itertools import takewhile
from pathlib import Path
from typing import Any

import jinja2

from autopelt.cards import (
    architecture_map,
    calibration,
    confirmation,
    front,
    health,
    importance,
    learning_curves,
    next_steps,
    parallel_coordinates,
    protocol,
    timeline,
    trials_table,
    verdict,
)
from autopelt.cards import progress as progress_card
from autopelt.cards.card import Card, Kind, make_card
from autopelt.cards.expectation import all_scores, learns, observed, plain_score
from autopelt.cards.look import method_look
from autopelt.cards.meanings import MEANINGS
from autopelt.cards.shown import shown
from autopelt.cards.wording import STATE_WORDS, method, plural, score, share
from autopelt.report.overlay import comparable
from autopelt.report.plotly_js import fingerprint, packed, packed_values, plotly_js
from autopelt.study.record import COMPLETE, FAILED, StudyRecord, TrialRecord
from autopelt.study.table import finite_or_none, trials_csv
from autopelt.system.files import write_text

SCRIPTS = ("page", "figures", "trial", "tables", "live", "start")
"""Parts of the page's script, in their order."""

LONG = 1_000_000
"""Characters of values from which they are packed."""

KINDS = (
    Kind("verdict", "Verdict", verdict.card),
    Kind("front", "Pareto front", front.card),
    Kind("confirmed", "Confirmed with fresh random seeds", confirmation.card),
    Kind("health", "Health checks", health.card),
    Kind("map", "Architecture map", architecture_map.card),
    Kind("progress", "Progress", progress_card.card),
    Kind("importance", "Importance", importance.card),
    Kind("choices", "Choices", parallel_coordinates.card),
    Kind("curves", "Learning curves", learning_curves.card),
    Kind("surrogate", "Surrogate", calibration.card),
    Kind("time", "Time", timeline.card),
    Kind("trials", "Trials", trials_table.card),
    Kind("protocol", "Protocol", protocol.card),
    Kind("reproduce", "Use it, repeat it", next_steps.card),
)


def build(record: StudyRecord, folder: Path, against: Sequence[StudyRecord] = ()) -> Path:
    """Write ``folder/index.html`` and return its path.

    The file appears by rename, so a browser never reads half of one. The folder is made if needed.

    Args:
        record: the study.
        folder: where to.
        against: studies (of random search, say) whose progress is drawn beside this one's.

    Raises:
        UsageError: a study in `against` has another metric, backbone or task.
    """
    if against:
        comparable([record, *against])
    return write_page(folder / "index.html", page(record, against))


def write_trials_csv(record: StudyRecord, folder: Path) -> Path:
    """Write ``folder/trials.csv``, by rename as well, and return its path."""
    return write_page(folder / "trials.csv", trials_csv(tidy(record)))


def page(record: StudyRecord, against: Sequence[StudyRecord] = ()) -> str:
    """The HTML text; the hypervolume of the studies in `against` is drawn beside this one's."""
    record = tidy(record)
    cards = make_cards(record, kinds(tuple(map(tidy, against))))
    return render(
        record.name,
        "autopelt study",
        subtitle(record),
        cards,
        study_values(record, cards),
        progress(record),
        record.command,
    )


def kinds(against: tuple[StudyRecord, ...] = ()) -> Sequence[Kind]:
    """All cards; the one on progress draws the studies in `against` as well."""
    if not against:
        return KINDS
    compared = partial(progress_card.card, against=against)
    return [replace(k, make=compared) if k.key == "progress" else k for k in KINDS]


def render(
    title: str,
    eyebrow: str,
    subtitle: str,
    cards: Sequence[Card],
    values: Mapping[str, Any],
    progress: str = "",
    command: str = "",
) -> str:
    """The HTML text of any page of cards; `values` is what its script knows.

    `command` makes what the page is about again; it stands in the file's first lines.
    """
    plotly, script = plotly_js(), _inline(_script())
    return _template().render(
        title=title,
        eyebrow=eyebrow,
        subtitle=subtitle,
        cards=cards,
        progress=progress,
        command=command,
        states=STATE_WORDS,
        meanings=MEANINGS,
        css=_text("page.css"),
        plotly=packed(plotly),
        script=script,
        policy=_policy(plotly, script),
        values=_values_element(_json(values)),
    )


def make_cards(record: StudyRecord, kinds: Sequence[Kind] = KINDS) -> list[Card]:
    """All cards, in the order in which a person asks."""
    return [make_card(kind, record) for kind in kinds]


def tidy(record: StudyRecord) -> StudyRecord:
    """The same study with finite numbers only, so that no card has to think of others.

    A complete trial whose score is not finite counts as failed; a curve ends before its first value
    that is not; other values that are not finite count as unknown.
    """
    return replace(record, trials=tuple(map(_tidy_trial, record.trials)))


def _tidy_trial(t: TrialRecord) -> TrialRecord:
    t = replace(
        t,
        scores=tuple(takewhile(math.isfinite, t.scores)),
        losses=tuple(takewhile(math.isfinite, t.losses)),
        seconds={k: v for k, v in t.seconds.items() if math.isfinite(v)},
        confirmed=tuple(filter(math.isfinite, t.confirmed)),
        saved={k: v for k, v in t.saved.items() if math.isfinite(v)},
        believed={k: v for k, v in t.believed.items() if math.isfinite(v)},
        started=finite_or_none(t.started),
        finished=finite_or_none(t.finished),
    )
    if t.state != COMPLETE or finite_or_none(t.score) is not None:
        return replace(t, score=finite_or_none(t.score))
    return replace(t, state=FAILED, score=None, reason=t.reason or f"its score is {t.score}")


def subtitle(record: StudyRecord) -> str:
    """Task, backbone and budget in one line."""
    parameters = record.backbone.parameters
    part = f" ({share(record.limit / parameters)})" if parameters else ""
    return (
        f"{record.task.name or 'task'} on {record.backbone.short_name} · "
        f"budget {record.limit:,} parameters{part}"
    )


def progress(record: StudyRecord) -> str:
    """What is still to come, or "" when the study is done."""
    open_trials = sum(t.state == "running" for t in record.trials)
    ended = len(record.trials) - open_trials
    if ended >= record.total and not open_trials:
        return ""
    return (
        f"{ended} of {record.total} trials done. While the search runs this page is written and "
        "loaded again every few seconds."
    )


def study_values(record: StudyRecord, cards: Sequence[Card]) -> dict[str, Any]:
    """What the page's script knows: the figures, and every trial for the panel that shows one."""
    best = record.best
    chosen = {t.architecture for t in record.front}
    words = method_words(record.trials)
    return {
        "metric": record.metric,
        "layers": record.backbone.layers,
        "best": None if best is None else best.number,
        "best_words": "best within the budget",
        "methods": words,
        "looks": {name: method_look(name) for name in words},
        "figures": figure_values(cards),
        "trials": [trial_values(t, record, t.architecture in chosen) for t in shown(record)],
        "csv": trials_csv(record, structure=False),
    }


def figure_values(cards: Sequence[Card]) -> list[dict[str, Any]]:
    """The figures of all cards."""
    return [{"key": f.key, "data": f.data, "layout": f.layout} for c in cards for f in c.figures]


def method_words(trials: Iterable[TrialRecord]) -> dict[str, str]:
    """The methods in use, as people say them."""
    return {m.method: method(m.method) for t in trials for m in t.architecture.modules}


def trial_values(t: TrialRecord, record: StudyRecord, on_front: bool) -> dict[str, Any]:
    """One trial for the panel."""
    remarks = [STATE_WORDS.get(t.state, t.state)] if t.state != COMPLETE else []
    remarks += ["on the front"] if on_front and t.state == COMPLETE else []
    remarks += [] if record.feasible(t) else [f"over {record.over(t)}"]
    remarks += {
        "seed": ["seed architecture"],
        "warm": ["from the warm start"],
        "model": ["proposed by the surrogate"],
        "repeat": [f"trains trial {t.repeats} again"],
    }.get(t.origin, [])
    return {
        "number": t.number,
        "title": f"{t.label} (trial {t.number})" if t.label else f"Trial {t.number}",
        "id": t.architecture.id,
        "remark": " · ".join(remarks),
        "score": score(t.score),
        "beliefs": beliefs(t, record),
        "metrics": all_scores(t.metrics),
        "share": share(t.count.share),
        "deployed": f"{t.count.deployed:,}",
        "trained": f"{t.count.trained:,}",
        "words": t.architecture.describe(),
        "full": t.architecture.full,
        "rate": t.architecture.learning_rate_multiplier,
        "modules": [
            [m.method, m.location, m.layer, m.size, m.gate, m.alpha, m.mlp, m.start]
            for m in t.architecture.modules
        ],
        "scores": list(t.scores),
        "reason": t.reason or t.stopped_because,
        "log": "" if t.log in t.reason else t.log,
    }


def beliefs(t: TrialRecord, record: StudyRecord) -> list[tuple[str, str]]:
    """What is believed of a trial's architecture, as (name, value); nothing if its score is all."""
    if not record.trainings_of(t) or plain_score(record, t):
        return []
    belief, trainings = record.belief(t), plural(len(record.trainings_of(t)), "training")
    around = f" ± {score(belief.sd)}" if math.isfinite(belief.sd) else ""
    return [
        ("expected", score(belief.mean) + around),
        (f"observed in {trainings}", observed(record, t)),
        *([("learns", words.removeprefix("learns "))] if (words := learns(record, t)) else []),
    ]


def _finite(value: Any) -> Any:
    """The same plain values with NaN and infinities as None: JSON has neither."""
    if isinstance(value, float):
        return finite_or_none(value)
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return value


def _json(value: Any) -> str:
    """JSON that can stand inside a <script> element: no character of it can end the element."""
    text = json.dumps(_finite(value), allow_nan=False, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _values_element(text: str) -> str:
    """What the script knows, to be read in the file where it is short, else packed."""
    if len(text) <= LONG:
        return f'<script type="application/json" id="study">{text}</script>'
    return packed_values(text)


def _inline(script: str) -> str:
    """A script that can stand inside a <script> element."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _policy(*scripts: str) -> str:
    """Content security policy: nothing is fetched, and only these very scripts run."""
    return (
        f"default-src 'none'; script-src {' '.join(map(fingerprint, scripts))}; "
        "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _script() -> str:
    """The page's script: its parts in one function."""
    parts = "".join(_text(f"{name}.js") for name in SCRIPTS)
    return f"(async function () {{\n'use strict';\n{parts}}}());\n"


def _text(name: str) -> str:
    return resources.files("autopelt.report").joinpath(name).read_text(encoding="utf-8")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_text("page.html.jinja"))


def write_page(path: Path, text: str) -> Path:
    """Write a file by rename, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
    return path
