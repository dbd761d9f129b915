"""What confirmations and comparisons found, as plain values for programs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autopelt.cards.comparison_rows import Row, best_row, by_selection
from autopelt.cards.verdict import lead, sentences
from autopelt.statistics.paired import Difference, spread
from autopelt.study.confirmation import SEED, Confirmation, by_report, chosen
from autopelt.study.record import StudyRecord


def confirmed(record: StudyRecord, folder: Path) -> dict[str, Any]:
    """A study that was confirmed; its architectures as the table has them."""
    best = chosen(record.confirmed, SEED)
    names = {t.number: t.name for t in record.trials}

    def values(c: Confirmation) -> dict[str, Any]:
        return {
            "trial": c.trial,
            "name": names.get(c.trial, f"trial {c.trial}"),
            "role": c.role,
            "random_seeds": len(c.scored),
            "report": _interval(c.mean),
            "spread": c.spread,
            "selection": c.selection,
            "against": _interval(c.against(best)),
        }

    return {
        "study": str(folder),
        "metric": record.metric,
        "confirmed": [values(c) for c in by_report(record.confirmed)],
        "verdict": lead(record) if record.best else None,
        "answer": dict(sentences(record)) if record.best else {},
        "report": str(folder / "index.html"),
    }


def compared(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Methods of a comparison, in the order of what chooses."""
    best = best_row(rows)

    def values(r: Row) -> dict[str, Any]:
        return {
            "name": r.name,
            "id": r.architecture.id,
            "role": r.role,
            "budgets": r.within,
            "deployed": r.count.deployed,
            "share": r.count.share,
            "rate": r.rate,
            "random_seeds": len(r.scored),
            "report": _interval(r.mean),
            "selection": r.swept if r.selection is None else r.selection,
            "spread": spread(r.scored),
            "against": _interval(r.against(best)),
            "seconds": r.seconds,
            "cost": r.cost,
            "reason": "" if r.scored else r.unscored,
        }

    return [values(r) for r in by_selection(rows)]


def _interval(found: Difference | None) -> dict[str, Any] | None:
    return None if found is None else {"mean": found.mean, "low": found.low, "high": found.high}
