"""The cards of a page that lays several studies over each other."""

from __future__ import annotations

from autopelt.cards.card import (
    Card,
    Cell,
    Column,
    Command,
    Fact,
    Figure,
    Kind,
    NothingToShow,
    Row,
    Table,
    cell,
    flat,
    table,
)
from autopelt.cards.cells import trial_cells
from autopelt.cards.figure import add_points, add_steps, dashed, padded, plain, plot, share_axis
from autopelt.cards.front import Front, front, hover
from autopelt.cards.progress import Curve, figures, grew
from autopelt.cards.wording import difference, listed, name, plural, score, share
from autopelt.report.overlay import Member, Overlay, budget_words
from autopelt.study.noise import difference_error
from autopelt.system.units import format_seconds


def verdict(made: Overlay) -> Card:
    """Who found the most, and what each found best."""
    facts = tuple(
        Fact(
            m.words,
            score(m.record.expected(top)),
            f"{name(top)} · {share(top.count.share)} · hypervolume {m.value:.3f}",
            strong=True,
        )
        for m in made.members
        if (top := m.record.best) is not None
    )
    if not facts:
        raise NothingToShow("No study has a complete trial within the common budget yet.")
    return Card(lead(made), facts, note=_note(made))


def lead(made: Overlay) -> str:
    """The verdict as one sentence: by hypervolume, and whether the best scores differ."""
    ranked = sorted(made.members, key=lambda m: -m.value)
    first, second = ranked[0], ranked[1]
    if first.value == second.value:
        text = "The best fronts enclose the same hypervolume: none found more than the next"
    else:
        others = [f"{m.value:.3f} of {m.words}" for m in ranked[1:]]
        told = listed(others) if len(others) < 4 else f"at most {second.value:.3f} of the others"
        word = "better" if len(ranked) == 2 else "best"
        text = f"{first.words} found the {word} front: hypervolume {first.value:.3f} against {told}"
    return f"{text}. {_scores(made)}".rstrip()


def _scores(made: Overlay) -> str:
    """Whether the best scores differ by more than chance, as a sentence; "" where unknown."""
    tops = [m.record.expected(best) for m in made.members if (best := m.record.best) is not None]
    low, high = min(tops), max(tops)
    if len(tops) > 1 and low == high:
        return f"All reach {score(high)} at best."
    error = difference_error(made.members[0].record, low, high)
    if len(tops) < 2 or error is None:
        return ""
    if high - low < 2 * error:
        return f"The best scores, {score(low)} to {score(high)}, lie within chance of each other."
    return f"The best scores, {score(low)} to {score(high)}, differ by more than chance."


def _note(made: Overlay) -> str:
    head = f"All under one reference point: a budget of {budget_words(made)} and a score of "
    text = head + f"{score(made.floor)}."
    if made.shortened:
        text += " The smallest budget counts; what a study found beyond it is left out."
    return text + (
        " Each study is one run, and another random seed would have given another: a close race is "
        "decided by several studies of each kind."
    )


def fronts(made: Overlay) -> Card:
    """All stepped fronts in one figure."""
    drawn = [(m, front(m.record)) for m in made.members if m.record.front]
    if not drawn:
        raise NothingToShow("No study has a complete trial within the common budget yet.")
    best = max((m for m, _ in drawn), key=lambda m: m.value)
    rows = [
        (
            m.key(t),
            {
                "Study": cell(m.words),
                "Trial": cell(t.number),
                "Score": cell(score(value := m.record.expected(t)), value),
                **trial_cells(t, "Share", "Architecture"),
            },
        )
        for m in made.members
        for t in m.record.front
    ]
    return Card(
        f"{plural(len(drawn), 'front')} within {budget_words(made)}; "
        f"{best.words} encloses the most.",
        figures=(_draw_fronts(drawn, made.metric),),
        table=table(rows, text=("Architecture",)),
        note="Up and to the left is better. The dashed vertical line is the common budget.",
    )


def _draw_fronts(drawn: list[tuple[Member, Front]], metric: str) -> Figure:
    figure = plot(metric, select="ring")
    zero = min((f.zero for _, f in drawn if f.zero is not None), default=None)
    ys: list[float] = []
    for m, f in drawn:
        # 0 parameters have one place in the figure, not one a study.
        steps = [(zero if x == f.zero and zero is not None else x, y) for x, y in f.steps]
        add_steps(figure, steps, m.look.colour, m.look.dash)
        found = sorted(
            f.of("front", "front seed"), key=lambda p: (p.trial.count.deployed, p.trial.number)
        )
        says = [f"{plain(m.words)}<br>{hover(p, metric)}" for p in found]
        points = zip(map(m.key, m.record.front), steps, says, strict=False)
        add_points(figure, m.look, [(number, x, y, words) for number, (x, y), words in points])
        ys += [y for _, y in steps]
    budget = drawn[0][1].budget
    figure.add_vline(budget, line=dashed())
    figure.update_xaxes(**share_axis(min(f.low for _, f in drawn), budget * 10**0.06, zero))
    figure.update_yaxes(range=padded(ys, 0.1))
    words = f"Pareto fronts of {len(drawn)} studies"
    legend = tuple(m.legend for m, _ in drawn)
    return Figure("front", words, figure, height=480, legend=legend)


def progress(made: Overlay) -> Card:
    """Hypervolume curves over trials and over time."""
    drawn = [m for m in made.members if m.steps]
    if not drawn:
        raise NothingToShow("No trial is complete, so there is no progress to show yet.")
    least = min(drawn, key=lambda m: m.value)
    rest = [(m, m.reached(least.value)) for m in drawn if m is not least]
    told = [f"{m.words} after {plural(n, 'trial')}" for m, n in rest if n is not None]
    text = f"{least.words} ends at {least.value:.3f}"
    if told and least.value > 0:
        text += f"; {listed(told)} had reached that"
    return Card(
        f"{text}.",
        figures=tuple(figures([_curve(m) for m in drawn], f"{len(drawn)} studies")),
        note="Hypervolume is the area between the front, the common budget and the reference "
        f"score of {score(made.floor)}, in decades × score. Time is comparable between studies of "
        "one machine only.",
    )


def _curve(m: Member) -> Curve:
    look = m.look
    hover_texts = [
        f"<b>{plain(m.words)}</b> {plain(name(s.trial))}<br>hypervolume {s.value:.4f} "
        f"after {plural(s.count, 'trial')}"
        + (f", {format_seconds(s.seconds)}" if s.seconds else "")
        for s in m.steps
    ]
    # A symbol where the front grew; the line says the rest.
    sizes = [8 if more else 0 for more in grew(m.steps)]
    return Curve(
        m.words,
        m.steps,
        m.legend[0],
        {"color": look.colour, "width": 2, "dash": look.dash},
        hover_texts,
        {"symbol": m.legend[0], "color": look.colour, "size": sizes},
        [m.key(s.trial) for s in m.steps],
    )


COLUMNS = (
    Column("Study"),
    Column("Sampler", minor=1),
    Column("Complete", number=True),
    Column("Best", number=True),
    Column("Gain over seeds", number=True, minor=1),
    Column("Front", number=True, minor=2),
    Column("Hypervolume", number=True),
    Column("Level with the last after", number=True, minor=2),
    Column("Time", number=True, minor=1),
)


def studies(made: Overlay) -> Card:
    """One row a study, not folded away."""
    least = min(m.value for m in made.members)
    rows = tuple(Row(_cells(m, least)) for m in made.members)
    done = sum(len(m.record.complete) for m in made.members)
    return Card(
        f"{plural(len(made.members), 'study', 'studies')} with {plural(done, 'complete trial')}, "
        f"all on {made.members[0].record.task.name or 'one task'}.",
        table=Table(COLUMNS, rows, folded=""),
        note="“Gain over seeds” is the best score minus that of the study's own best seed "
        "architecture. “Level with the last” counts complete trials until the hypervolume of the "
        "weakest study here was reached.",
    )


def _cells(m: Member, least: float) -> tuple[Cell, ...]:
    record = m.record
    best, seed = record.best, record.best_seed
    value = None if best is None else record.expected(best)
    gain = None if value is None or seed is None else value - record.expected(seed)
    seconds = m.steps[-1].seconds if m.steps else None
    reached = m.reached(least) if least > 0 else None
    return (
        cell(m.words),
        cell(record.config.sampler),
        cell(len(record.complete)),
        cell(None if value is None else score(value), value),
        cell(None if gain is None else difference(gain), gain),
        cell(len(record.front)),
        cell(f"{m.value:.4f}", m.value),
        cell(reached),
        cell(None if seconds is None else format_seconds(seconds), seconds),
    )


def settings(made: Overlay) -> Card:
    """Every setting in which the studies are not alike."""
    known = [dict(flat(m.record.config.model_dump(mode="json"))) for m in made.members]
    versions = [{f"version {k}": v for k, v in m.record.versions.items()} for m in made.members]
    known = [a | b for a, b in zip(known, versions, strict=True)]
    keys = list(dict.fromkeys(key for values in known for key in values))
    different = [k for k in keys if len({v.get(k) for v in known}) > 1]
    if not different:
        raise NothingToShow("The studies were made with the same settings and versions.")
    names = [m.name for m in made.members]
    rows = [
        (
            None,
            {"Setting": cell(k)}
            | {n: cell((v.get(k) or "")[:200]) for n, v in zip(names, known, strict=True)},
        )
        for k in different
    ]
    return Card(
        f"The studies differ in {plural(len(different), 'setting')}"
        f"{': ' + listed(different) if len(different) < 5 else ''}.",
        table=table(rows, text=names, folded=""),
    )


def reproduce(made: Overlay) -> Card:
    """The command of each study."""
    lines = tuple(Command(m.words, m.record.command) for m in made.members if m.record.command)
    if not lines:
        raise NothingToShow("The studies do not know the commands that made them.")
    return Card("The commands that made these studies.", commands=lines)


KINDS = (
    Kind("verdict", "Verdict", verdict),
    Kind("front", "Pareto fronts", fronts),
    Kind("progress", "Progress", progress),
    Kind("studies", "Studies", studies),
    Kind("settings", "What differs", settings),
    Kind("reproduce", "Repeat it", reproduce),
)
