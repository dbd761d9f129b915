"""Examples in, labels and probabilities out: what a trained model says about a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from autopelt.backbones.load import load_config
from autopelt.backbones.quantised import place
from autopelt.data.conll import parse, with_tags
from autopelt.data.readers import Format, Table
from autopelt.data.user_files import TAGGED
from autopelt.errors import UsageError, did_you_mean, parameter
from autopelt.export import Trained, load_trained
from autopelt.system.files import check_new_file, replace_file, write_text
from autopelt.tasks.base import PREDICTION, PROBABILITIES, PROBABILITY, Task
from autopelt.tasks.unlabelled import trained_task, unlabelled
from autopelt.training.batches import scoring_batches
from autopelt.training.context import length_limit


@torch.inference_mode()
def predict(
    trained: Trained,
    table: Table,
    columns: Mapping[str, str] | None = None,
    model: str | None = None,
    batch_size: int | None = None,
) -> list[dict[str, Any]]:
    """What a trained model says about each example of a table.

    Args:
        trained: from `autopelt.export.find_trained`.
        table: examples; labels are not needed and not looked at.
        columns: the task's column -> the table's, where they differ.
        model: another place of the backbone.
        batch_size: examples at once.

    Returns:
        For each example ``prediction``: a class, a number, a list of tags (one for each word), an
        answer or a text. Classes come with ``probability`` (of the predicted one) and
        ``probabilities`` (by class), tags with ``probability`` (a list).

    Raises:
        UnavailableError: columns, texts, backbone or weights are missing.
        UsageError: the task knows no such column.
    """
    source = trained.source(model)
    config = load_config(source)
    task = _task(trained).for_model(config)
    task = task.decided(trained.scores.get("selection", {}))
    network, tokenizer = load_trained(trained, model, trained.quantised or "fp32")
    limit = length_limit(trained.max_length or task.max_length, tokenizer, config)
    encoded = task.encode(unlabelled(task, table, columns or {}), tokenizer, limit)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    place(network, device)
    rows, answers = encoded.to_list(), [None] * len(encoded)
    for indices in scoring_batches(list(encoded["length"]), batch_size or task.scoring_batch):
        batch = task.collate([rows[i] for i in indices], tokenizer)
        batch = {name: tensor.to(device) for name, tensor in batch.items()}
        for i, answer in zip(indices, task.answers(network, batch, tokenizer), strict=True):
            answers[i] = answer
    return task.worded(answers, encoded)


def examples(trained: Trained, table: Table, columns: Mapping[str, str]) -> Table:
    """The table with one row for each prediction of `predict`. Raises as that."""
    return _task(trained).examples(table, columns)


def _task(trained: Trained) -> Task:
    return trained_task(trained.task, trained.kind, trained.labels)


# ---------------------------------------------------------------------- files
def joined(table: Table, predictions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each example with what was predicted. Raises UsageError where a column has that name."""
    for name in (PREDICTION, PROBABILITY, PROBABILITIES):
        if name in table.columns:
            raise UsageError(f"'{table.name}' has a column '{name}' already; rename it.")
    rows = zip(*table.columns.values(), strict=True)
    pairs = zip(rows, predictions, strict=True)
    return [dict(zip(table.columns, row)) | dict(prediction) for row, prediction in pairs]


def write_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write rows by the file's ending. Raises UsageError for another ending than `ENDINGS`."""
    check_ending(path)
    ending = path.suffix.lower()
    if ending in TAGGED:
        write_text(path, _sentences(rows))
        return
    if ending == ".parquet":
        import pyarrow as pa  # type: ignore[import-untyped]
        import pyarrow.parquet as pq  # type: ignore[import-untyped]

        table = pa.Table.from_pylist([dict(row) for row in rows])
        replace_file(path, lambda temporary: pq.write_table(table, temporary))
    else:
        write_text(path, json_lines(rows) if ending == ".jsonl" else _separated(rows, ending))


ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet", *TAGGED)


def check_out(path: Path) -> None:
    """Raises UsageError where `write_rows` cannot write such a file, or not there."""
    check_ending(path)
    check_new_file(path)


def check_ending(path: Path) -> None:
    """Raises UsageError where `write_rows` cannot write such a file."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{parameter('out')} '{path}': {did_you_mean(path.suffix, ENDINGS)}")


def write_tags(rows: Sequence[Mapping[str, Any]], path: Path, file: Path, form: Format) -> None:
    """Write a file in the CoNLL way again, each word with its predicted tag.

    Args:
        rows: with the predictions of `file`. form: how that is written.
    """
    write_text(path, with_tags(parse(file, [], form), [row[PREDICTION] for row in rows]))


def _sentences(rows: Sequence[Mapping[str, Any]]) -> str:
    """A word and its tag a line, an empty line after each sentence."""
    lines = []
    for row in rows:
        if not isinstance(row[PREDICTION], list):
            raise UsageError(f"only tags of words are written as {', '.join(TAGGED)}.")
        pairs = zip(row["words"], row[PREDICTION], strict=True)
        lines += [*(f"{word}\t{tag}" for word, tag in pairs), ""]
    return "\n".join(lines) + "\n"


def json_lines(rows: Sequence[Mapping[str, Any]]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _separated(rows: Sequence[Mapping[str, Any]], ending: str) -> str:
    """A table of texts: a column for each class's probability, lists with blanks between."""
    flat = [_flat(row) for row in rows]
    out = io.StringIO()
    options: dict[str, Any] = {"lineterminator": "\n"}
    if ending == ".tsv":  # as GLUE has it: no quotes, so no tab may stand in a field
        flat = [{k: " ".join(str(v).split()) for k, v in row.items()} for row in flat]
        options |= {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "quotechar": None}
    writer = csv.DictWriter(out, list(flat[0]) if flat else [], **options)
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in row.items():
        if name == PROBABILITIES:
            made |= {f"{PROBABILITY}_{label}": f"{share:.6f}" for label, share in value.items()}
        elif isinstance(value, list):
            between = "," if PROBABILITIES in row else " "  # labels of an example, or of its words
            made[name] = between.join(f"{v:.6f}" if isinstance(v, float) else v for v in value)
        else:
            shown = ".6f" if name == PROBABILITY else ".7g"
            made[name] = f"{value:{shown}}" if isinstance(value, float) else value
    return made
