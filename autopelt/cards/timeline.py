"""Card: which worker did what when, and where the time went."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace

from autopelt.cards.card import Card, Figure, NothingToShow, cell, table
from autopelt.cards.clock import Clock
from autopelt.cards.figure import names, plain, plot
from autopelt.cards.look import BLUE, GREEN, ORANGE, SURFACE, VERMILION
from autopelt.cards.shown import shown
from autopelt.cards.wording import STATE_WORDS, name, plural, score
from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.system.units import format_seconds

PHASE_WORDS = {
    "start": "starting the worker",
    "load": "loading backbone and data",
    "data": "reading the data",
    "model": "loading the backbone",
    "costs": "measuring costs",
    "attach": "attaching modules",
    "trunk": "computing the frozen layers",
    "train": "training",
    "score": "scoring",
    "save": "writing weights",
    "propose": "choosing what to train next",
    "idle": "waiting for work",
    "other": "starting and handing over",
}
STATE_LOOKS = {
    "complete": (BLUE, ""),
    "failed": (VERMILION, "x"),
    "running": (GREEN, "."),
    "stopped": (ORANGE, "/"),
}
"""Colour and hatching."""


@dataclass(frozen=True)
class Bar:
    """One trial on one worker, in seconds of search (`Clock`) since the first trial began."""

    trial: TrialRecord
    worker: str
    begin: float
    end: float


@dataclass(frozen=True)
class Timeline:
    """Numbers of the card.

    Attributes:
        bars: by beginning.
        workers: names, in order of first use.
        phases: (phase, seconds over all workers), largest first, with the workers' idle time.
        hands: workers that have finished a trial, at least 1.
        choosing: seconds the sampler took to propose.
        wall: seconds from the first beginning to the last end, without pauses (`Clock`).
        busy: seconds that trials took, over all workers.
        saved: seconds by which training and scoring were shorter because states of frozen layers
            were kept, as the workers estimate them; computing these is in `phases`.
    """

    bars: tuple[Bar, ...]
    workers: tuple[str, ...]
    hands: int
    phases: tuple[tuple[str, float], ...]
    choosing: float
    wall: float
    busy: float
    saved: float = 0.0

    @property
    def use(self) -> float:
        """Share of the workers' time that trials filled."""
        whole = self.wall * self.hands
        return min(1.0, self.busy / whole) if whole > 0 else 0.0

    @property
    def total(self) -> float:
        """Seconds of all phases."""
        return sum(s for _, s in self.phases) or 1.0


def timeline(record: StudyRecord) -> Timeline:
    """Numbers of the card. Raises NothingToShow where no trial has a time."""
    clock = Clock.of(record.trials)
    if clock is None:
        raise NothingToShow("No trial has a time yet.")
    timed = [(t, t.started) for t in record.trials if t.started is not None]
    last = clock.sessions[-1][1]
    # Process numbers say nothing to a reader, and a resumed study's workers take the same rows.
    named: dict[tuple[int, str], str] = {}
    counts: Counter[int] = Counter()
    for t, started in timed:
        session = clock.session(started)
        if t.worker.isdigit() and (session, t.worker) not in named:
            counts[session] += 1
            named[session, t.worker] = f"worker {counts[session]}"
    bars = sorted(
        (
            Bar(
                t,
                named.get((clock.session(started), t.worker), t.worker) or "running now",
                clock.at(started),
                clock.at(max(started, last if t.finished is None else t.finished)),
            )
            for t, started in timed
        ),
        key=lambda b: (b.begin, b.trial.number),
    )
    phases: dict[str, float] = defaultdict(float)
    for t in record.trials:
        for phase, seconds in t.seconds.items():
            phases[phase] += seconds
    wall, busy = clock.total, sum(b.end - b.begin for b in bars)
    workers = tuple(dict.fromkeys(b.worker for b in bars))
    hands = max(1, len(set(workers) - {"running now"}))
    if phases:
        inside = sum(s for p, s in phases.items() if p != "propose")
        phases["idle"] = max(0.0, wall * hands - busy - phases.get("propose", 0.0))
        phases["other"] = max(0.0, busy - inside)
    return Timeline(
        tuple(bars),
        workers,
        hands,
        tuple(sorted(((p, s) for p, s in phases.items() if s > 0.05), key=lambda p: -p[1])),
        sum(float(t.believed.get("seconds", 0.0)) for t in record.trials),
        wall,
        busy,
        sum(float(t.saved.get("trunk", 0.0)) for t in record.trials),
    )


def draw(t: Timeline) -> Figure:
    """One row a worker, one bar a trial, colour and hatching by state."""
    per, unit = (60.0, "min") if t.wall > 180 else (1.0, "s")
    rows = {worker: i for i, worker in enumerate(t.workers)}
    figure = plot(select="bar")
    states = [s for s in STATE_WORDS if any(b.trial.state == s for b in t.bars)]
    for state in states:
        bars = [b for b in t.bars if b.trial.state == state]
        colour, shape = STATE_LOOKS[state]
        hatched = {"fillmode": "replace", "fgcolor": colour, "bgcolor": SURFACE, "size": 7}
        figure.add_bar(
            orientation="h",
            x=[(b.end - b.begin) / per for b in bars],
            base=[b.begin / per for b in bars],
            y=[rows[b.worker] for b in bars],
            width=0.62,
            customdata=[b.trial.number for b in bars],
            marker={
                "color": colour,
                "line": {"color": SURFACE, "width": 1},
                "pattern": {"shape": shape, **hatched},
            },
            hovertext=[_hover(b) for b in bars],
        )
    figure.update_xaxes(title_text=f"time ({unit})", rangemode="tozero")
    ends = [len(rows) - 0.5, -0.5]
    rows_axis = names((w[:28] for w in rows), range=ends, showline=True, fixedrange=False)
    figure.update_yaxes(**rows_axis)
    figure.update_layout(barmode="overlay", margin_t=8)
    legend = tuple(("square", STATE_LOOKS[s][0], STATE_WORDS[s]) for s in states)
    return Figure(
        "timeline",
        f"Timeline of {len(t.workers)} workers with {len(t.bars)} trials",
        figure,
        height=84 + 44 * len(rows),
        heading="Workers",
        legend=legend if len(states) > 1 else (),
    )


def _hover(b: Bar) -> str:
    state = STATE_WORDS.get(b.trial.state, b.trial.state)
    head = f"<b>{plain(name(b.trial))}</b> {state}, {format_seconds(b.end - b.begin)}"
    lines = [
        f"{plain(PHASE_WORDS.get(p, p))} {format_seconds(s)}" for p, s in b.trial.seconds.items()
    ]
    result = [] if b.trial.score is None else [f"score {score(b.trial.score)}"]
    return "<br>".join([head, *result, *lines])


def _percent(part: float) -> str:
    return f"{part:.0%}" if part >= 0.01 else "< 1%"


def draw_phases(t: Timeline) -> Figure:
    """Seconds of all workers by phase, largest on top."""
    phases = list(reversed(t.phases))
    figure = plot()
    figure.add_bar(
        orientation="h",
        x=[s for _, s in phases],
        y=list(range(len(phases))),
        marker_color=BLUE,
        width=0.55,
        text=[f"{format_seconds(s)} · {_percent(s / t.total)}" for _, s in phases],
        textposition="outside",
        textfont_size=12,
        hoverinfo="none",
        cliponaxis=False,
    )
    # The room on the right is for the words beside the longest bar on a narrow screen.
    most = max([s for _, s in phases], default=1.0)
    figure.update_xaxes(visible=False, range=[0, 2.1 * most])
    ends = [-0.5, len(phases) - 0.5]
    figure.update_yaxes(**names((PHASE_WORDS.get(p, p) for p, _ in phases), range=ends))
    figure.update_layout(margin_t=8)
    return Figure(
        "phases",
        "Time of all workers by phase",
        figure,
        height=40 + 36 * len(phases),
        heading="Where the time went",
    )


def card(record: StudyRecord) -> Card:
    """Workers and phases."""
    t, numbers = timeline(record), {t.number for t in shown(record)}
    drawn = replace(t, bars=tuple(b for b in t.bars if b.trial.number in numbers))
    rows = [
        (
            None,
            {
                "Phase": cell(PHASE_WORDS.get(p, p)),
                "Seconds": cell(f"{s:.1f}", s),
                "Share": cell(f"{s / t.total:.1%}", s / t.total),
            },
        )
        for p, s in t.phases
    ]
    return Card(
        lead(t),
        figures=(draw(drawn), *([draw_phases(t)] if t.phases else [])),
        table=table(rows),
        stacked=True,
    )


def lead(t: Timeline) -> str:
    """How long it took, how well the workers were used and what was saved, in a few sentences."""
    trials = plural(len(t.bars), "trial")
    text = (
        f"{trials} took {format_seconds(t.wall)} on {plural(t.hands, 'worker')}, "
        f"busy {t.use:.0%} of the time"
    )
    if t.choosing >= 0.05:
        text += f"; choosing what to train next took {format_seconds(t.choosing)}"
    text += "."
    if t.saved >= 0.05:
        spent = dict(t.phases).get("trunk", 0.0)
        text += (
            f" Keeping what frozen layers compute, instead of computing it in every epoch, saved "
            f"about {format_seconds(t.saved)} of the workers' time for {format_seconds(spent)}."
        )
    return text


def summary(record: StudyRecord) -> str:
    """Where the time went and what was saved, in one line; "" where no trial has a time."""
    try:
        t = timeline(record)
    except NothingToShow:
        return ""
    parts = [f"{PHASE_WORDS.get(p, p)} {_percent(s / t.total)}" for p, s in t.phases[:5]]
    text = f"{format_seconds(t.wall)} on {plural(t.hands, 'worker')}: {', '.join(parts)}"
    if t.saved >= 0.05:
        text += f"; kept states of frozen layers saved about {format_seconds(t.saved)}"
    return text
