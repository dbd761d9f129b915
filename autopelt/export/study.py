"""A study's trials as a table, and one of its architectures as a training script."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.load import load_config, load_tokenizer
from autopelt.data.recorded import REPORT, SEARCHED
from autopelt.errors import UsageError, command, parameter
from autopelt.export import OF_A_STUDY, axolotl, llama_factory, trl_script
from autopelt.export.chosen import Chosen, choose
from autopelt.export.recipe import Recipe, not_a_decoder, recipe
from autopelt.methods import named
from autopelt.study.lookup import split_study
from autopelt.study.storage import StudyStorage
from autopelt.study.table import trials_csv, trials_table
from autopelt.system.files import (
    check_new_file,
    check_new_folder,
    new_folder,
    replace_file,
    write_text,
)
from autopelt.tasks import make_task
from autopelt.tasks.classification import Classification
from autopelt.training.context import length_limit
from autopelt.training.spec import data_source

TARGETS = OF_A_STUDY

_OF_A_DECODER: Mapping[str, Callable[[Recipe, Path, Path], None]] = {
    "script": trl_script.write,
    axolotl.NAME: axolotl.write,
    llama_factory.NAME: llama_factory.write,
}
"""What fills a folder, given the name that it gets."""

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
    if to in ("csv", "parquet"):
        place = split_study(name)
        if place is None:
            raise UsageError(
                f"'{name}' is not a study; {parameter('to', to)} takes STUDY, like reports/demo."
            )
        _table(StudyStorage.open(place[0]), to, out)
        return out
    chosen = choose(name, to)
    check_new_folder(out)
    decoder = recipe(chosen, to)
    if decoder is not None:
        with new_folder(out) as made:
            _OF_A_DECODER[to](decoder, made, out)
    elif to == "script":
        _script(chosen, out)
    else:
        raise not_a_decoder(to, chosen.name)
    return out


def _table(opened: StudyStorage, to: str, out: Path) -> None:
    check_new_file(out)
    if out.exists():
        raise UsageError(f"'{out}' exists; give {parameter('out')} a new file.")
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


def _script(chosen: Chosen, out: Path) -> None:
    """A folder with ``train.py``, ``architecture.yaml`` and the study's own splits."""
    setup, name = chosen.setup, chosen.name
    source = setup.source
    config = load_config(source)
    task = make_task(setup.task).for_model(config)
    if task.kind not in _KINDS:
        raise UsageError(
            f"a script is made for {', '.join(_KINDS)} and decoders that write, not for "
            f"{task.kind.replace('_', ' ')}; use: {command('train', name)}"
        )
    assert isinstance(task, Classification)
    require_plain_training(chosen.architecture, name)
    splits = task.load(data_source(setup), report=True)
    if setup.recorded is not None:
        setup.recorded.check(task.name, splits.facts.recorded, SEARCHED + REPORT)
    limit = length_limit(setup.max_length or task.max_length, load_tokenizer(source), config)
    with new_folder(out) as made:
        (made / "data").mkdir()
        for part in ("train", "selection", "report"):
            getattr(splits, part).to_json(made / "data" / f"{part}.jsonl", force_ascii=False)
        write_text(made / "architecture.yaml", chosen.architecture.to_yaml())
        write_text(made / "train.py", _filled(chosen, out, task, limit))


def require_plain_training(architecture: Architecture, name: str) -> None:
    """Raise UsageError for methods that a loop with an optimiser alone cannot train."""
    tended = sorted({m.method for m in architecture.modules if named(m.method).tended})
    if tended:
        raise UsageError(
            f"a script cannot train {', '.join(tended)}: its loop is an optimiser's, and the "
            f"method does more; use: {command('train', name)}"
        )


def _filled(chosen: Chosen, out: Path, task: Classification, limit: int) -> str:
    name, schedule = chosen.name, chosen.training
    template = (Path(__file__).parent / "script_template.py.txt").read_text("utf-8")
    values = {
        "COMMAND": f"autopelt export {shlex.quote(name)} --to script --out {shlex.quote(str(out))}",
        "WORDS": chosen.architecture.describe(),
        "MODEL_VALUE": json.dumps(chosen.model),
        "REVISION_VALUE": repr(chosen.setup.source.revision),
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
        "SEED_VALUE": str(chosen.random_seed),
    }
    for key, value in values.items():
        template = template.replace(f"<{key}>", value)
    return template
