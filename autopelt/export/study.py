"""A study's trials as a table, and one of its architectures as a training script."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.load import load_config, load_tokenizer
from autopelt.data.recorded import REPORT, SEARCHED
from autopelt.errors import UsageError, parameter
from autopelt.export import OF_A_STUDY
from autopelt.methods import named
from autopelt.study.lookup import choose_trial, split_study
from autopelt.study.record import TrialRecord
from autopelt.study.storage import StudyStorage
from autopelt.study.table import trials_csv, trials_table
from autopelt.system.files import check_writable, new_folder, replace_file, write_text
from autopelt.tasks import make_task
from autopelt.tasks.classification import Classification
from autopelt.training.context import length_limit
from autopelt.training.spec import Setup, data_source

TARGETS = OF_A_STUDY

_KINDS = ("classification", "ordinal", "regression")


def export_study(name: str, to: str, out: Path) -> Path:
    """Write a study's trials as csv or parquet, or a script that trains one of them.

    Args:
        name: ``STUDY`` (for a script, its best) or ``STUDY:TRIAL``.
        to: one of `TARGETS`.
        out: the file, or for a script the folder, to make.

    Returns:
        What was made.

    Raises:
        UsageError: no study; `out` is in use; no script can be made for this kind of task.
    """
    place = split_study(name)
    if place is None:
        raise UsageError(
            f"'{name}' is not a study; {parameter('to', to)} takes STUDY, like reports/demo."
        )
    folder, which = place
    opened = StudyStorage.open(folder)
    if to != "script":
        _table(opened, to, out)
        return out
    trial = choose_trial(opened.record(), which)
    _script(opened, trial, f"{folder}:{trial.number}", out)
    return out


def _table(opened: StudyStorage, to: str, out: Path) -> None:
    if out.exists():
        raise UsageError(f"'{out}' exists; give {parameter('out')} a new file.")
    check_writable(out, "out")
    out.parent.mkdir(parents=True, exist_ok=True)
    record = opened.record()
    if to == "csv":
        text = trials_csv(record)
        replace_file(out, lambda path: path.write_text(text, encoding="utf-8"))
        return
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    table = pa.Table.from_pylist(trials_table(record))
    replace_file(out, lambda path: pq.write_table(table, path))


def _script(opened: StudyStorage, trial: TrialRecord, name: str, out: Path) -> None:
    """A folder with ``train.py``, ``architecture.yaml`` and the study's own splits."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"'{out}' is not an empty folder; give {parameter('out')} a new one.")
    check_writable(out, "out")
    setup = Setup.of(opened.config, opened.facts.task)
    source = setup.source
    config = load_config(source)
    task = make_task(setup.task).for_model(config)
    if task.kind not in _KINDS:
        raise UsageError(
            f"a script is made for {', '.join(_KINDS)}, not for {task.kind.replace('_', ' ')}; "
            f"use: autopelt train {name}"
        )
    assert isinstance(task, Classification)
    require_plain_training(trial.architecture, name)
    splits = task.load(data_source(setup), report=True)
    opened.facts.task.recorded.check(task.name, splits.facts.recorded, SEARCHED + REPORT)
    limit = length_limit(setup.max_length or task.max_length, load_tokenizer(source), config)
    with new_folder(out) as made:
        (made / "data").mkdir()
        for part in ("train", "selection", "report"):
            getattr(splits, part).to_json(made / "data" / f"{part}.jsonl", force_ascii=False)
        write_text(made / "architecture.yaml", trial.architecture.to_yaml())
        write_text(made / "train.py", _filled(opened, trial, name, out, task, limit))


def require_plain_training(architecture: Architecture, name: str) -> None:
    """Raise UsageError for methods that a loop with an optimiser alone cannot train."""
    tended = sorted({m.method for m in architecture.modules if named(m.method).tended})
    if tended:
        raise UsageError(
            f"a script cannot train {', '.join(tended)}: its loop is an optimiser's, and the "
            f"method does more; use: autopelt train {name}"
        )


def _filled(
    opened: StudyStorage, trial: TrialRecord, name: str, out: Path, task: Classification, limit: int
) -> str:
    config, schedule = opened.config, opened.config.training
    template = (Path(__file__).parent / "script_template.py.txt").read_text("utf-8")
    values = {
        "COMMAND": f"autopelt export {shlex.quote(name)} --to script --out {shlex.quote(str(out))}",
        "WORDS": trial.architecture.describe(),
        "MODEL_VALUE": json.dumps(config.model),
        "REVISION_VALUE": repr(config.revision),
        "COLUMNS_VALUE": json.dumps(list(task.columns)),
        "LABELS_VALUE": json.dumps(list(task.labels), ensure_ascii=False),
        "ORDERED_VALUE": str(task.kind == "ordinal"),
        "SCORES_VALUE": json.dumps(list(task.scores)),
        "POSITIVE_VALUE": str(task.positive),
        "BALANCED_VALUE": str(bool(task.class_weights)),
        "SIGN_VALUE": "1" if task.metric.higher_is_better else "-1",
        "MAX_LENGTH_VALUE": str(limit),
        "EPOCHS_VALUE": str(schedule.epochs),
        "BATCH_VALUE": str(schedule.batch_size),
        "FACTOR_VALUE": repr(schedule.learning_rate_factor),
        "WARMUP_VALUE": repr(schedule.warmup),
        "SCHEDULE_VALUE": repr(schedule.schedule),
        "DECAY_VALUE": repr(schedule.weight_decay),
        "CLIP_VALUE": repr(schedule.clip_norm),
        "SEED_VALUE": str(trial.random_seed),
    }
    for key, value in values.items():
        template = template.replace(f"<{key}>", value)
    return template
