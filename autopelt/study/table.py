"""trials.csv: one line a trial, for spreadsheets and scripts."""

import csv
import io
import json
from collections.abc import Sequence

from autopelt.study.record import StudyRecord, TrialRecord

COLUMNS = (
    "trial",
    "state",
    "label",
    "score",
    "share",
    "deployed",
    "trained",
    "within_budget",
    "on_front",
    "id",
    "architecture",
    "origin",
    "random_seed",
    "epochs",
    "scores",
    "losses",
    "seconds",
    "started",
    "finished",
    "worker",
    "reason",
    "latency",
    "memory",
    "architecture_json",
)


def trials_csv(record: StudyRecord, structure: bool = True) -> str:
    """The text of trials.csv. Lists (`scores`, `losses`) are separated by spaces.

    Without `structure` the last column, each architecture as JSON, is left out: the page's own
    download does so to stay small.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = len(COLUMNS) if structure else len(COLUMNS) - 1
    writer.writerow(COLUMNS[:columns])
    chosen = {t.number for t in record.front}
    for t in record.trials:
        values = _values(t, record, t.number in chosen)
        writer.writerow([_safe(v) for v in values[:columns]])
    return out.getvalue()


def trials_table(record: StudyRecord) -> list[dict[str, object]]:
    """One row a trial with values as they are: numbers, lists, ``seconds_train`` and so on."""
    chosen = {t.number for t in record.front}
    phases = sorted({phase for t in record.trials for phase in t.seconds})
    rows = []
    for t in record.trials:
        row = dict(zip(COLUMNS, _values(t, record, t.number in chosen)))
        row |= {"share": t.count.share, "scores": list(t.scores), "losses": list(t.losses)}
        row["seconds"] = sum(t.seconds.values())
        row |= {f"seconds_{phase}": t.seconds.get(phase) for phase in phases}
        rows.append(row)
    return rows


def _values(t: TrialRecord, record: StudyRecord, on_front: bool) -> Sequence[object]:
    return (
        t.number,
        t.state,
        t.label,
        t.score,
        f"{t.count.share:.8g}",
        t.count.deployed,
        t.count.trained,
        record.feasible(t),
        on_front,
        t.architecture.id,
        t.architecture.describe(),
        t.origin,
        t.random_seed,
        len(t.scores),
        " ".join(f"{v:.6g}" for v in t.scores),
        " ".join(f"{v:.6g}" for v in t.losses),
        json.dumps(dict(t.seconds)) if t.seconds else "",
        t.started,
        t.finished,
        t.worker,
        t.reason or t.stopped_because,
        t.costs.get("latency"),
        t.costs.get("memory"),
        t.architecture.to_json(),
    )


def _safe(value: object) -> object:
    if (
        isinstance(value, str)
        and value[:1] in ("=", "+", "-", "@", "\t", "\r")
        and not _number(value)
    ):
        return "'" + value
    return value


def _number(text: str) -> bool:
    try:
        float(text.split(" ", 1)[0])
    except ValueError:
        return False
    return True
