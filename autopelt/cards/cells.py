"""What the tables and facts of several cards say of a trial."""

from autopelt.cards.card import Cell, Fact, cell
from autopelt.cards.wording import name, score, share
from autopelt.study.record import TrialRecord

CELLS = {
    "Trial": lambda t: cell(name(t), t.number),
    "Score": lambda t: cell(score(t.score), t.score),
    "Share": lambda t: cell(share(t.count.share), t.count.share),
    "Deployed": lambda t: cell(f"{t.count.deployed:,}", t.count.deployed),
    "Trained": lambda t: cell(f"{t.count.trained:,}", t.count.trained),
    "Architecture": lambda t: cell(t.architecture.describe()),
}


def trial_cells(t: TrialRecord, *columns: str) -> dict[str, Cell]:
    """Cells of a trial's row, for the columns that are named."""
    return {column: CELLS[column](t) for column in columns}


def trial_fact(
    words: str, value: str, t: TrialRecord, strong: bool = False, more: str = ""
) -> Fact:
    """A value of a trial, with its name and its size, and more about it."""
    parts = [name(t), f"{share(t.count.share)} of the backbone", *([more] if more else [])]
    return Fact(words, value, " · ".join(parts), strong)
