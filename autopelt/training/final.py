"""Train one architecture for keeps, and score what was kept in a new process."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from autopelt.architecture.architecture import Architecture
from autopelt.errors import UnavailableError
from autopelt.modules.attachment import count_attached
from autopelt.modules.checkpoint import load, save
from autopelt.study.config import TrainingConfig
from autopelt.system.files import replace_directory, write_text
from autopelt.tasks.prior import constant_scores
from autopelt.training.context import Context
from autopelt.training.loop import release, score_split, train_epochs
from autopelt.training.precision import precision
from autopelt.training.results import EpochResult
from autopelt.training.shared_arrays import private_cache, shared_arrays
from autopelt.training.spec import Setup

RECORD = "training.json"


def train_model(
    setup: Setup,
    architecture: Architecture,
    training: TrainingConfig,
    random_seed: int,
    folder: Path,
    on_epoch: Callable[[EpochResult], None],
    cache_memory: int | None = None,
) -> dict[str, Any]:
    """Train on train, choose the epoch on selection, score the report split, write a folder.

    The folder gets ``architecture.yaml``, ``weights.safetensors`` (modules and head) and
    ``training.json``, all at once: what it held before stays until the new files are whole.

    Returns:
        The content of ``training.json``.

    Raises:
        UnavailableError: model or data are not to be had.
        TrialFailure: the training cannot go on.
    """
    context = Context(setup, report=True)
    best: EpochResult | None = None
    with private_cache(cache_memory) as cache:
        context.arrays = shared_arrays(cache)
        for result in train_epochs(context, architecture, training, random_seed):
            best = result if result.best else best
            on_epoch(result)
    assert best is not None
    record = _record(context, architecture, training, random_seed, best)
    folder = folder.resolve()
    new = folder.with_name(f".{folder.name}.new")
    replace_directory(new, None)  # of a training that was killed
    save(context.model, new)
    release(context)
    write_text(new / RECORD, json.dumps(record, indent=2) + "\n")
    replace_directory(new, folder)
    return record


def _record(
    context: Context,
    architecture: Architecture,
    training: TrainingConfig,
    random_seed: int,
    best: EpochResult,
) -> dict[str, Any]:
    count = count_attached(context.model)
    return {
        "metric": context.task.metric.name,
        "report": score_split(context, "report"),
        "constant": constant_scores(
            context.task, context.splits["train"].encoded, context.splits["report"].encoded
        ),
        "selection": best.metrics,
        "epoch": best.epoch,
        "random_seed": random_seed,
        "architecture": architecture.id,
        "trained": count.trained,
        "deployed": count.deployed,
        "share": count.share,
        "labels": list(context.task.labels),
        "head": context.task.head,
        "kind": context.task.kind,
        "setup": asdict(context.setup),
        "training": training.model_dump(),
    }


def evaluate_model(
    folder: Path, *, model: str | None = None, data: str | None = None
) -> dict[str, Any]:
    """Score a folder that `train_model` wrote on its task's report split.

    Args:
        folder: with ``training.json``.
        model: another place of the same backbone.
        data: another place of the same data.

    Returns:
        ``{"metric", "report": {metric: score}, "stored": {…}, "constant": {…} or None}``; the best
        constant answer's scores are known for the data it was trained with.

    Raises:
        UnavailableError: a file is missing or broken, or model or data are not to be had.
    """
    record = read_record(folder)
    setup = Setup(**record["setup"])
    if model is not None:
        setup = replace(setup, model=model)
    if data is not None:
        setup = replace(setup, data=str(Path(data).resolve()))
    context = Context(setup, train=False, report=True)
    training = TrainingConfig(**record["training"])
    context.precision = precision(training.precision, context.device)
    if list(context.task.labels) != record["labels"]:
        raise UnavailableError(
            f"the data has labels {list(context.task.labels)}, but '{folder}' was trained on "
            f"{record['labels']}."
        )
    load(context.model, folder)
    return {
        "metric": record["metric"],
        "report": score_split(context, "report"),
        "stored": record["report"],
        "constant": None if data is not None else record.get("constant"),
    }


def read_record(folder: Path) -> dict[str, Any]:
    """``training.json`` of a folder. Raises UnavailableError where it is missing or broken."""
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        Setup(**record["setup"])
        record["head"], record["kind"]
        if not isinstance(record["labels"], list) or not isinstance(record["report"], dict):
            raise TypeError("labels is a list, report a mapping")
    except (OSError, UnicodeDecodeError) as error:
        raise UnavailableError(
            f"'{folder}' is not a trained model: {RECORD} cannot be read "
            f"({getattr(error, 'strerror', None) or 'not a text file'}); "
            "make one with autopelt train STUDY."
        ) from None
    except (ValueError, TypeError, KeyError) as error:
        raise UnavailableError(
            f"'{path}' is damaged ({type(error).__name__}); train again with autopelt train."
        ) from None
    return dict(record)
