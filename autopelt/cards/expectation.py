"""What a person is told of an architecture: its expected score, and the trainings behind it."""

from collections.abc import Mapping

from autopelt.cards.card import Cell, cell
from autopelt.cards.wording import plural, score
from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.system.units import format_score


def plain_score(record: StudyRecord, t: TrialRecord) -> bool:
    """Whether its only observed score is all that is known, as in studies of before."""
    return (
        len(record.trainings_of(t)) == 1 and record.expected(t) == record.trainings_of(t)[0].score
    )


def all_plain(record: StudyRecord) -> bool:
    """Whether that holds for every architecture."""
    return all(plain_score(record, t) for t in record.architectures)


def expectation(record: StudyRecord, t: TrialRecord) -> str:
    """``expected 0.831 from 3 trainings (observed 0.829 to 0.840)``; ``0.831`` if it is plain."""
    if plain_score(record, t):
        return score(record.expected(t))
    return f"expected {score(record.expected(t))} from {behind(record, t, ' (observed ')})"


def measured(record: StudyRecord, t: TrialRecord) -> str:
    """The same after the name of the metric, for the terminal; ``accuracy 0.8310``."""
    if plain_score(record, t):
        return f"{record.metric} {format_score(record.expected(t))}"
    return f"{record.metric} {expectation(record, t)}"


def behind(record: StudyRecord, t: TrialRecord, then: str = ", observed ") -> str:
    """``3 trainings, observed 0.829 to 0.840``; "" where the score is plain."""
    if plain_score(record, t):
        return ""
    return f"{plural(len(record.trainings_of(t)), 'training')}{then}{observed(record, t)}"


def observed(record: StudyRecord, t: TrialRecord) -> str:
    """``0.829 to 0.840``."""
    scores = [o.point[1] for o in record.trainings_of(t)]
    low, high = score(min(scores)), score(max(scores))
    return low if low == high else f"{low} to {high}"


def all_scores(metrics: Mapping[str, float]) -> list[tuple[str, str]]:
    """All scores of a split by name, in words; nothing where there is one only."""
    shown = [(n, format_score(value)) for n, value in metrics.items() if "threshold" not in n]
    return shown if len(shown) > 1 else []


def direction(record: StudyRecord) -> str:
    """``Of the loss less is better, …``; "" for a score of which more is."""
    name = record.own_metric
    if name == record.metric:
        return ""
    return f"Of the {name} less is better, so its negative is shown and more is better."


def learns(record: StudyRecord, t: TrialRecord) -> str:
    """``learns with 4 of 5 seeds`` where a training of it learned nothing, else ""."""
    trainings, lost = len(record.trainings_of(t)), len(record.collapsed(t))
    return f"learns with {trainings - lost} of {trainings} seeds" if lost else ""


def score_cells(record: StudyRecord, t: TrialRecord, plain: bool) -> dict[str, Cell]:
    """The score in a row about an architecture: one number where all are `plain`, else three."""
    value = record.expected(t)
    if plain:
        return {"Score": cell(score(value), value)}
    trainings = record.trainings_of(t)
    return {
        "Expected": cell(score(value), value),
        "Observed": cell(observed(record, t), max(o.point[1] for o in trainings)),
        "Trainings": cell(len(trainings)),
    }
