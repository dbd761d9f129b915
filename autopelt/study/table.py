"""trials.csv: one line a trial, for spreadsheets and scripts."""

import csv
import io
import json
import math
from collections.abc import Iterator

from autopelt.study.objectives import MEASURED
from autopelt.study.record import COMPLETE, StudyRecord, TrialRecord

COLUMNS = (
    *("trial", "state", "label", "score", "share", "deployed", "trained", "within_budget"),
    *("on_front", "id", "architecture", "origin", "random_seed", "epochs", "scores", "losses"),
    *("seconds", "started", "finished", "worker", "reason", *MEASURED),
    *("expected", "expected_sd", "learns", "trainings", "repeats", "metrics"),
    "architecture_json",
)


def trials_csv(record: StudyRecord, structure: bool = True) -> str:
    """The text of trials.csv. Lists (`scores`, `losses`) are separated by spaces.

    A trial's `score` and `metrics` (all scores of its best epoch, as JSON) are its own; `expected`
    and what follows is of its architecture.

    Without `structure` the last column, each architecture as JSON, is left out: the page's own
    download does so to stay small.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    out = io.StringIO()
    columns = COLUMNS if structure else COLUMNS[:-1]
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for trial, row in _rows(record):
        row["share"] = f"{trial.count.share:.8g}"
        for name in ("seconds", "metrics"):
            row[name] = json.dumps(dict(getattr(trial, name))) if getattr(trial, name) else ""
        for name in ("scores", "losses"):
            row[name] = " ".join(f"{v:.6g}" for v in getattr(trial, name))
        if structure:
            row["architecture_json"] = trial.architecture.to_json()
        writer.writerow({name: _safe(value) for name, value in row.items()})
    return out.getvalue()


def trials_table(record: StudyRecord) -> list[dict[str, object]]:
    """One row a trial with values as they are: numbers, lists, ``seconds_train`` and so on.

    All scores of its best epoch are there too, as ``metric_rougeL``.
    """
    phases = sorted({phase for t in record.trials for phase in t.seconds})
    metrics = list(dict.fromkeys(name for t in record.trials for name in t.metrics))
    return [
        row
        | {"architecture_json": trial.architecture.to_json()}
        | {f"seconds_{phase}": trial.seconds.get(phase) for phase in phases}
        | {f"metric_{name}": trial.metrics.get(name) for name in metrics}
        for trial, row in _rows(record)
    ]


def _rows(record: StudyRecord) -> Iterator[tuple[TrialRecord, dict[str, object]]]:
    front = {t.architecture for t in record.front}
    return (
        (t, _row(t, record, t.state == COMPLETE and t.architecture in front)) for t in record.trials
    )


def _row(t: TrialRecord, record: StudyRecord, on_front: bool) -> dict[str, object]:
    belief = record.belief(t)
    return {
        "trial": t.number,
        "state": t.state,
        "label": t.label,
        "score": t.score,
        "share": t.count.share,
        "deployed": t.count.deployed,
        "trained": t.count.trained,
        "within_budget": record.feasible(t),
        "on_front": on_front,
        "id": t.architecture.id,
        "architecture": t.architecture.describe(),
        "origin": t.origin,
        "random_seed": t.random_seed,
        "epochs": len(t.scores),
        "scores": list(t.scores),
        "losses": list(t.losses),
        "seconds": t.took,
        "started": t.started,
        "finished": t.finished,
        "worker": t.worker,
        "reason": t.reason or t.stopped_because,
        **{name: t.costs.get(name) for name in MEASURED},
        "expected": finite_or_none(belief.mean),
        "expected_sd": finite_or_none(belief.sd),
        "learns": finite_or_none(belief.learns),
        "trainings": len(record.trainings_of(t)),
        "repeats": t.repeats,
    }


def finite_or_none(value: float | None) -> float | None:
    """The value; None where there is none or it is not finite."""
    return value if value is not None and math.isfinite(value) else None


def _safe(value: object) -> object:
    """A text that neither a spreadsheet nor `csv` takes for what it is not."""
    if not isinstance(value, str):
        return value
    formula = value[:1] in ("=", "+", "-", "@", "\t", "\r") and not _number(value)
    # csv puts quotes round a line feed, not round a carriage return, and cannot read that back.
    return ("'" if formula else "") + value.replace("\r\n", "\n").replace("\r", "\n")


def _number(text: str) -> bool:
    try:
        float(text.split(" ", 1)[0])
    except ValueError:
        return False
    return True
