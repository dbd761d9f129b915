"""Card: health checks, whether to believe the result and what to do about it, in plain words.

Each check looks at the record and returns a `Finding`, or None where it has nothing to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from statistics import NormalDist

from autopelt.cards.by_group import by_group, numbers
from autopelt.cards.calibration import calibration, spearman
from autopelt.cards.card import Card, Finding, NothingToShow
from autopelt.cards.confirmation import confirmed, interval
from autopelt.cards.learning_curves import at_ceiling, still_rising
from autopelt.cards.progress import LAST, grown, last_gain, steps
from autopelt.cards.wording import difference, listed, method, name, plural, score, share
from autopelt.methods import named
from autopelt.space.space import SearchSpace
from autopelt.study.noise import difference_error, gap_error
from autopelt.study.record import FAILED, STOPPED, StudyRecord

good, note, warning = (partial(Finding, level) for level in ("good", "note", "warning"))

SATURATED = 0.95
"""Share of the budget from which the best architecture counts as having used it up."""


def failures(record: StudyRecord) -> Finding:
    """Failed trials by cause."""
    failed = [t for t in record.trials if t.state == FAILED]
    if not failed:
        return good("No trial failed.")
    causes = Counter(t.reason or "no reason recorded" for t in failed)
    told = "; ".join(f"{n} × {cause}" for cause, n in causes.most_common(3))
    ended = sum(t.state != "running" for t in record.trials)
    level = "warning" if len(failed) * 10 > ended else "note"
    return Finding(
        level, f"{plural(len(failed), 'trial')} of {ended} failed: {told}.", _cure(causes)
    )


def _cure(causes: Mapping[str, int]) -> str:
    text = " ".join(causes).lower()
    if "memory" in text:
        return "Use a smaller batch size, a shorter max_length or fewer workers."
    if "nan" in text or "finite" in text or "diverge" in text:
        return "A lower learning rate usually cures losses that are no numbers."
    return "Filter the trials below by “failed” to see each with its reason."


def above_the_head(record: StudyRecord) -> Finding | None:
    """Did training modules help at all?"""
    alone = [
        t for t in record.architectures if not t.architecture.modules and not t.architecture.full
    ]
    best = record.best
    if not alone or best is None or not best.architecture.modules:
        return None
    gain = record.expected(best) - record.expected(alone[0])
    error = gap_error(record, best, alone[0])
    if error is None:
        return None
    if gain < 2 * error:
        return warning(
            f"The best architecture is only {score(gain)} above the task head alone, "
            f"within chance (two standard errors are {score(2 * error)}).",
            "Train longer, use more training examples, or check that the task can be learnt.",
        )
    return good(f"Modules help: {score(gain)} above training the task head alone.")


def above_a_constant(record: StudyRecord) -> Finding | None:
    """Was anything learned at all?"""
    fresh = confirmed(record)
    chosen = None if fresh is None else fresh.found or fresh.seed
    gap = None if chosen is None else chosen[1].above_constant
    if chosen is not None and gap is not None and gap.low is not None:
        reached = (
            f"{name(chosen[0])} scores {difference(gap.mean)} against the best constant answer"
        )
        surely = gap.low > 0
        words = f"On the report split {reached} ({interval(gap)})"
    else:
        best, constant = record.best, record.task.constant
        if best is None or constant is None:
            return None
        value = record.expected(best)
        error = difference_error(record, value, constant)
        if error is None:
            return None
        # The best of many is lucky: as far above as the luckiest of equals would be.
        far = error * NormalDist().inv_cdf(1 - 0.025 / max(1, len(record.complete)))
        surely = value - constant > far
        words = (
            f"The best score is {score(value - constant)} above that of the best constant "
            f"answer ({score(constant)}), and chance alone gives {score(far)}"
        )
    if surely:
        return good(f"{words}: something was learned.")
    return warning(
        f"{words}: perhaps nothing was learned, and all differences are chance.",
        "Use more training examples, more epochs or another learning rate before you trust any "
        "order.",
    )


def noise(record: StudyRecord) -> Finding | None:
    """Is the spread of the front larger than chance?"""
    found = [t for t in record.front if t.architecture.modules]
    if len(found) < 2:
        return None
    low, high = record.expected(found[0]), record.expected(found[-1])
    error = gap_error(record, found[0], found[-1])
    if error is None:
        return note(
            f"How far {record.metric} varies by chance is not known: every architecture was "
            "trained once.",
            "Train the front again with other random seeds before you compare close scores.",
        )
    if high - low < 2 * error:
        return warning(
            f"The whole front spans {score(high - low)}, less than chance alone can give "
            f"({score(2 * error)}): its order is not to be trusted.",
            "Use a larger selection split or more random seeds, or take its smallest member.",
        )
    return good(
        f"The front spans {score(high - low)}, more than chance alone gives ({score(2 * error)})."
    )


def saturated(record: StudyRecord) -> Finding | None:
    """Does the best architecture use up the budget?"""
    best = record.best
    if best is None or not best.architecture.modules:
        return None
    used = best.count.deployed / record.limit
    if used >= SATURATED:
        return note(
            f"The best architecture uses {used:.0%} of the budget.",
            "A larger budget may score higher; the slope of the front on the right shows how much.",
        )
    return good(f"The best architecture uses {used:.0%} of the budget: it is not too tight.")


def bounds(record: StudyRecord) -> Finding | None:
    """Do the found front members sit at the largest sizes that the space offers?"""
    largest = _largest_sizes(record.config.space)
    found = [t for t in record.front if not t.label and t.architecture.modules]
    if not largest or len(found) < 2:
        return None
    hit: list[str] = []
    for (kind, where), size in largest.items():
        at = sum(
            any(
                m.method == kind and where == m.location and m.size >= size
                for m in t.architecture.modules
            )
            for t in found
        )
        if at * 2 > len(found):
            hit.append(f"{method(kind)}{' at ' + where if where else ''} ({size})")
    if hit:
        return note(
            f"More than half of the front uses the largest size of {listed(hit)}.",
            "Offer larger sizes in the search space.",
        )
    return good("The front does not press against the largest sizes of the space.")


def rates(record: StudyRecord) -> Finding | None:
    """Do the found front members sit at an end of the offered learning-rate multipliers?"""
    offered = record.config.space.rates
    found = [t for t in record.front if not t.label and t.architecture.modules]
    if len(set(offered)) < 3 or len(found) < 3:
        return None
    for end, words in ((max(offered), "highest"), (min(offered), "lowest")):
        if sum(t.architecture.learning_rate_multiplier == end for t in found) * 2 > len(found):
            return note(
                f"More than half of the front uses the {words} learning-rate multiplier ({end:g}).",
                f"Offer {'higher' if end == max(offered) else 'lower'} ones in the search space.",
            )
    return good("The front does not press against the learning rates of the space.")


def _largest_sizes(space: SearchSpace) -> dict[tuple[str, str], int]:
    return {
        (row.method, where): max(row.sizes)
        for row in space.modules
        for where in row.location
        if named(row.method).size_word and max(row.sizes) > 0
    }


def stalled(record: StudyRecord) -> Finding | None:
    """Does the search still improve the front?"""
    gain = last_gain(steps(record))
    if gain is None:
        return None
    if gain < 0.005:
        return note(
            f"The last {LAST} proposals improved the front by less than 0.5%.",
            "More trials will hardly help; more epochs, another space or a larger budget may.",
        )
    return Finding(
        "note" if gain > 0.03 else "good",
        f"The last {LAST} proposals improved the front by {grown(gain)}.",
        "The search has not settled: autopelt resume STUDY --trials N." if gain > 0.03 else "",
    )


def schedule(record: StudyRecord) -> Finding | None:
    """Were trials still learning when they ended?"""
    rising, long = still_rising(record)
    if long < 3:
        return None
    if rising * 2 > long and not at_ceiling(record):
        return note(
            f"{rising} of {long} trials had their best epoch at the very end.",
            "Search again with more epochs: sizes that learn slowly are at a disadvantage.",
        )
    if rising * 2 > long:
        return good("More epochs can hardly help: the best score is as high as it can be.")
    return good(f"Most trials had finished learning ({rising} of {long} had not).")


def surrogate(record: StudyRecord) -> Finding | None:
    """Is the surrogate better than the mean?"""
    try:
        c = calibration(record)
    except NothingToShow:
        return None
    if c.useless:
        return warning(
            f"The surrogate predicted no better than the mean (error {score(c.error)}, "
            f"mean {score(c.naive)}): the search was close to random.",
            "Reduce the noise (larger selection split, more epochs), or give it more trials.",
        )
    return good(f"The surrogate beats guessing: error {score(c.error)} against {score(c.naive)}.")


def duplicates(record: StudyRecord) -> Finding | None:
    """Was an architecture proposed twice? Trained again on purpose does not count."""
    proposed = [t for t in record.trials if t.repeats is None]
    twice = {i: n for i, n in Counter(t.architecture.id for t in proposed).items() if n > 1}
    if not twice:
        return good("No architecture was proposed twice.") if record.trials else None
    numbers = [f"{t.number}" for t in proposed if t.architecture.id in twice]
    return warning(
        f"{plural(len(twice), 'architecture')} proposed more than once (trials "
        f"{listed(numbers[:8])}{' …' if len(numbers) > 8 else ''}).",
        "This wastes trials; the space may be nearly used up.",
    )


def stopping(record: StudyRecord) -> Finding | None:
    """Do scores at the epoch of stopping foretell the final order?"""
    epochs = {len(t.scores) for t in record.trials if t.state == STOPPED and t.scores}
    told: list[tuple[float, int, int]] = []
    for epoch in epochs:
        whole = [t for t in record.complete if len(t.scores) > epoch]
        if len(whole) >= 5:
            rank = spearman([t.scores[epoch - 1] for t in whole], [t.point[1] for t in whole])
            told += [] if rank is None else [(rank, epoch, len(whole))]
    if not told:
        return None
    rank, epoch, number = min(told)
    if rank < 0.5:
        return warning(
            f"Early stopping contradicts the final order: scores after epoch {epoch} and final "
            f"scores agree little (rank correlation {rank:.2f} over {number} full trials).",
            "Search again with more epochs, or without early stopping.",
        )
    return good(
        f"Scores after epoch {epoch} foretell the final order (rank correlation {rank:.2f}), "
        "so early stopping is sound."
    )


def reference(record: StudyRecord) -> Finding | None:
    """Is a hand-made architecture over the budget better than everything within it?"""
    best = record.best
    over = [t for t in record.architectures if not record.feasible(t)]
    if best is None or not over:
        return None
    top = max(over, key=record.expected)
    gap = record.expected(top) - record.expected(best)
    if gap <= 0:
        bounds = " or ".join(sorted(set(map(record.over, over))))
        return good(
            f"Nothing over {bounds} that was tried ({listed([name(t) for t in over][:4])}) "
            "is better than the best within it."
        )
    return note(
        f"{name(top)}, over {record.over(top)} at {share(top.count.share)}, scores "
        f"{score(gap)} more than the best within it.",
        f"If that matters, {record.over(top)} costs more than it saves; otherwise ignore it.",
    )


CHECKS: tuple[Callable[[StudyRecord], Finding | None], ...] = (
    failures,
    above_the_head,
    above_a_constant,
    by_group,
    noise,
    surrogate,
    stopping,
    duplicates,
    bounds,
    rates,
    saturated,
    stalled,
    schedule,
    reference,
)


def findings(record: StudyRecord) -> list[Finding]:
    """All findings, warnings first."""
    found = [f for check in CHECKS if (f := check(record)) is not None]
    order = {"warning": 0, "note": 1, "good": 2}
    return sorted(found, key=lambda f: order[f.level])


def card(record: StudyRecord) -> Card:
    """The findings, and one sentence over them."""
    if not any(t.state != "running" for t in record.trials):
        raise NothingToShow("There is nothing to check before the first trial has ended.")
    found = findings(record)
    counts = Counter(f.level for f in found)
    if counts["warning"]:
        lead = (
            f"{plural(counts['warning'], 'thing')} to look at before you rely on this study, "
            f"out of {plural(len(found), 'check')}."
        )
    elif counts["note"]:
        lead = f"Nothing alarming in {plural(len(found), 'check')}; {counts['note']} worth knowing."
    else:
        lead = f"All {plural(len(found), 'check')} are fine."
    return Card(lead, findings=tuple(found), table=numbers(record))
