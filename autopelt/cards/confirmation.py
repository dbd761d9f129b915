"""Card: what training again with fresh random seeds found, on the report split."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from autopelt.cards import trained_again
from autopelt.cards.card import Card, Fact, Figure, Table, cell, table
from autopelt.cards.cells import trial_cells, trial_fact
from autopelt.cards.collapsed import collapsed_words
from autopelt.cards.means import Mean
from autopelt.cards.means import draw as draw_means
from autopelt.cards.wording import around, difference, gap_words, name, plural, score
from autopelt.statistics.paired import Difference
from autopelt.study.answer import confirmed_trials
from autopelt.study.confirmation import (
    FOUND,
    SEED,
    Confirmation,
    chosen,
    misled,
)
from autopelt.study.record import StudyRecord, TrialRecord


@dataclass(frozen=True)
class Confirmed:
    """The comparison that the verdict rests on.

    Attributes:
        found: best architecture of the search, as `study.confirmation.chosen` has it.
        seed: best seed architecture, chosen alike.
        gap: `found` minus `seed` on the report split; None without either.
    """

    found: tuple[TrialRecord, Confirmation] | None
    seed: tuple[TrialRecord, Confirmation] | None
    gap: Difference | None


def confirmed(record: StudyRecord) -> Confirmed | None:
    """Numbers of the verdict; None while nothing is confirmed."""
    known = confirmed_trials(record)
    best = {role: chosen([c for _, c in known], role) for role in (FOUND, SEED)}
    found, seed = (next((pair for pair in known if pair[1] is best[r]), None) for r in best)
    if found is None and seed is None:
        return None
    gap = None if found is None or seed is None else found[1].against(seed[1])
    return Confirmed(found, seed, gap)


def nothing_learned(found: Confirmation, seed: Confirmation) -> str:
    """A sentence where neither is surely above the best constant answer, else ""."""
    for confirmation in (found, seed):
        gap = confirmation.above_constant
        if gap is None or gap.low is None or gap.low > 0:
            return ""
    constant = score(found.constant.score if found.constant else None)
    return (
        f" Neither is surely above the best constant answer ({constant}): perhaps nothing was "
        "learned."
    )


def interval(gap: Difference) -> str:
    """``95% interval −0.004 to +0.046``."""
    if gap.low is None or gap.high is None:
        return "no interval"
    return f"95% interval {difference(gap.low)} to {difference(gap.high)}"


def confirmed_facts(c: Confirmed, record: StudyRecord) -> tuple[Fact, ...]:
    """Both means and their difference as large numbers."""
    shown = []
    for words, pair in (("Found by the search", c.found), ("Best seed architecture", c.seed)):
        if pair is not None:
            mean = around(pair[1].mean) or "–"
            shown.append(trial_fact(words, mean, pair[0], strong=pair is c.found))
    if c.gap is not None:
        shown.append(Fact("Difference", difference(c.gap.mean), interval(c.gap)))
    done = len(record.complete)
    shown.append(Fact("Trials", f"{done}", f"complete of {record.total}"))
    return tuple(shown)


def confirmed_note(c: Confirmed, record: StudyRecord) -> str:
    """How it was measured, and who was chosen how."""
    report = record.task.report
    split = f"the report split ({plural(report, 'example')})" if report is not None else ""
    by = "the selection split"
    if any(pair is not None and pair[1].expected is not None for pair in (c.found, c.seed)):
        by = "what is expected given all selection scores, the new ones and the search's,"
    return (
        "Each was trained again with random seeds that the search did not use; the epoch was "
        f"chosen on the selection split, and {split or 'the report split'}, which the search never "
        "loaded, was scored once. Which architecture stands for the search, and which for the seed "
        f"architectures, {by} decided. The interval is paired: the same random seeds and the same "
        "examples for both; it covers the chance of the seeds and of the examples."
    )


def card(record: StudyRecord) -> Card:
    """Means and intervals of all that was confirmed, and where the search misled.

    Before that, what the search trained again. Raises NothingToShow without either.
    """
    known = rows(record)
    if not known:
        return trained_again.card(record)
    c = confirmed(record)
    seeds = plural(max(len(x.scored) for _, x in known), "fresh random seed")
    return Card(
        f"{plural(len(known), 'architecture')}, trained again with {seeds}, on the report split.",
        figures=(draw(known, record.metric),),
        table=numbers(known, c),
        note=note(record),
    )


def rows(record: StudyRecord) -> list[tuple[TrialRecord, Confirmation]]:
    """Confirmed architectures with a score, by growing parameters."""
    scored = [pair for pair in confirmed_trials(record) if pair[1].scored]
    return sorted(scored, key=lambda pair: (pair[0].count.deployed, pair[0].number))


def wrong_pairs(record: StudyRecord) -> list[tuple[str, int, int]]:
    """Pairs that a score of the search ordered otherwise: (which score, wrong, pairs)."""
    again = confirmed_trials(record)
    longest = max((len(t.scores) for t, _ in again), default=0)
    orders = {
        f"its scores after epoch {epoch}": {
            t.number: max(t.scores[:epoch]) for t in record.trials if len(t.scores) >= epoch
        }
        for epoch in range(1, longest)
    }
    orders["the final score"] = {t.number: t.score for t in record.trials if t.score is not None}
    known = [c for _, c in again]
    counted = [(which, misled(scores, known)) for which, scores in orders.items()]
    return [(which, *pairs) for which, pairs in counted if pairs is not None]


def note(record: StudyRecord) -> str:
    """Where early rungs and final scores of the search misled, and the method of the intervals."""
    words = []
    counted = wrong_pairs(record)
    if counted:
        parts = [f"{wrong} of {pairs} by {which}" for which, wrong, pairs in counted]
        words.append(
            "Pairs of these architectures that the search had the other way round: "
            f"{', '.join(parts)}."
        )
    if said := collapses(record):
        words.append(said)
    failed = sum(t.score is None for c in record.confirmed for t in c.trainings)
    if failed:
        words.append(f"{plural(failed, 'training')} failed.")
    words.append(
        "Bars are 95% intervals of each mean, over random seeds and examples (two crossed random "
        "effects on jackknife values; docs/honest-answer.md). Differences are paired, so they are "
        "surer than two bars side by side suggest."
    )
    return " ".join(words)


def collapses(record: StudyRecord) -> str:
    """Which confirmed architectures did not learn with some random seeds; "" for none."""
    return collapsed_words((name(t), c) for t, c in confirmed_trials(record))


def draw(known: list[tuple[TrialRecord, Confirmation]], metric: str) -> Figure:
    """Mean report score against share, with error bars."""
    means = [
        Mean(t, c.role == SEED, m.mean, m.half or 0.0, around(m))
        for t, c in known
        if (m := c.mean) is not None
    ]
    # A bar that is many times as long as the others may leave the figure.
    halves = [m.half for _, c in known if (m := c.mean) is not None and m.half is not None]
    most = 4 * median(halves or [0.0])
    ends = [m.mean + sign * min(m.half, most) for m in means for sign in (-1, 1)]
    words = f"Mean report {metric} with error bars against parameter share"
    return draw_means("confirmed", means, f"report {metric}", metric, ends, words)


def numbers(known: list[tuple[TrialRecord, Confirmation]], c: Confirmed | None) -> Table | None:
    """The same as a table, with the search's score beside it."""
    best = None if c is None or c.seed is None else c.seed[1]
    rows = []
    for trial, confirmation in known:
        mean = confirmation.mean
        gap = confirmation.against(best)
        cells = {
            **trial_cells(trial, "Trial"),
            "Report": cell(around(mean), None if mean is None else mean.mean),
            "Spread": cell(score(confirmation.spread), confirmation.spread),
            "Seeds": cell(len(confirmation.scored)),
            "Against best by hand": cell(gap_words(gap), None if gap is None else gap.mean),
            **trial_cells(trial, "Share"),
            "Selection": cell(score(confirmation.selection), confirmation.selection),
            "Search": cell(score(trial.score), trial.score),
        }
        rows.append((trial.number, cells))
    return table(rows)
