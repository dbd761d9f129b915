"""Train one architecture for keeps, and score what was kept in a new process."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.identity import weights_identity
from autopelt.data.recorded import Recorded
from autopelt.errors import UnavailableError, command
from autopelt.modules.attachment import count_attached
from autopelt.modules.checkpoint import load, save
from autopelt.study.config import RECORD, TrainingConfig
from autopelt.study.facts import BackboneFacts, StudyFacts, TaskFacts
from autopelt.study.meaning import meant_study
from autopelt.study.places import here, place_now
from autopelt.system.files import replace_directory, write_text
from autopelt.tasks.places import with_places
from autopelt.tasks.prior import constant_scores
from autopelt.training.context import Context
from autopelt.training.loop import release, score_split, train_epochs
from autopelt.training.precision import precision
from autopelt.training.results import EpochResult
from autopelt.training.sampled_texts import sampled_texts, samples
from autopelt.training.shared_arrays import private_cache, shared_arrays
from autopelt.training.spec import Setup


@dataclass(frozen=True, kw_only=True)
class ModelRecord:
    """What a trained folder says of itself: its ``training.json``.

    Attributes:
        metric: name of the score that chose the epoch.
        report, selection: all scores of a split, by name.
        constant: scores of the best constant answer on the report split, where the task has one.
        epoch: that was chosen.
        architecture: its id.
        trained, deployed, share: parameters, as `Count`.
        labels: names of the classes, in the order of the head's outputs.
        head: kind of task head, a key of `autopelt.backbones.head.HEADS`.
        kind: of the task.
        weights: identity of the backbone's (`autopelt.backbones.identity`).
        folders: of the model when it was written, in full (`autopelt.study.places.here`).
    """

    metric: str = ""
    report: dict[str, float]
    constant: dict[str, float] | None = None
    selection: dict[str, float] = field(default_factory=dict)
    epoch: int = 0
    random_seed: int = 0
    architecture: str = ""
    trained: int = 0
    deployed: int = 0
    share: float = 0.0
    labels: tuple[str, ...]
    head: str
    kind: str
    setup: Setup
    training: TrainingConfig = field(default_factory=TrainingConfig)
    weights: str = ""
    folders: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As ``training.json`` has it."""
        values: dict[str, Any] = _RECORD.dump_python(self, mode="json")
        return values


_RECORD = TypeAdapter(ModelRecord)


def train_model(
    setup: Setup,
    architecture: Architecture,
    training: TrainingConfig,
    random_seed: int,
    folder: Path,
    on_epoch: Callable[[EpochResult], None],
    cache_memory: int | None = None,
) -> ModelRecord:
    """Train on train, choose the epoch on selection, score the report split, write a folder.

    The folder gets ``architecture.yaml``, ``weights.safetensors`` (modules and head) and
    ``training.json``, all at once: what it held before stays until the new files are whole.

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
    try:
        save(context.model, new, context.task.unit)
        release(context)
        record = replace(record, folders=here(folder))
        write_text(new / RECORD, json.dumps(record.to_dict(), indent=2) + "\n")
        replace_directory(new, folder)
    finally:
        replace_directory(new, None)
    return record


def _record(
    context: Context,
    architecture: Architecture,
    training: TrainingConfig,
    random_seed: int,
    best: EpochResult,
) -> ModelRecord:
    count = count_attached(context.model)
    return ModelRecord(
        metric=context.task.metric.name,
        report=score_split(context, "report", best.metrics) | _texts(context, "report"),
        constant=constant_scores(
            context.task, context.splits["train"].encoded, context.splits["report"].encoded
        ),
        selection=best.metrics | _texts(context, "selection"),
        epoch=best.epoch,
        random_seed=random_seed,
        architecture=architecture.id,
        trained=count.trained,
        deployed=count.deployed,
        share=count.share,
        labels=tuple(context.task.labels),
        head=context.task.head,
        kind=context.task.kind,
        setup=replace(context.setup, recorded=context.data.recorded),
        training=training,
        weights=weights_identity(context.setup.source, context.model.config),
    )


def _texts(context: Context, split: str) -> dict[str, float]:
    """Scores of texts that are asked for beside the metric, for all examples that they are."""
    return dict(sampled_texts(context, split).scores) if samples(context.task) else {}


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
        UnavailableError: a file is missing or broken, model or data are not to be had, or the
            report split is not the one that was scored after the training.
    """
    record = read_record(folder)
    setup = replace(record.setup, recorded=record.setup.recorded or Recorded())
    if model is not None:
        setup = replace(setup, model=model)
    if data is not None:
        setup = replace(setup, data=str(Path(data).resolve()))
    context = Context(setup, train=False, report=True)
    # Labels with their mean have more digits than bf16 can tell apart, in which a GPU has the head.
    wide = record.kind == "regression" and context.device.type == "cuda"
    wanted = "fp32" if wide else record.training.precision
    context.precision = precision(wanted, context.device)
    if tuple(context.task.labels) != record.labels:
        raise UnavailableError(
            f"the data has labels {list(context.task.labels)}, but '{folder}' was trained on "
            f"{list(record.labels)}."
        )
    load(context.model, folder)
    return {
        "metric": record.metric,
        "report": score_split(context, "report", record.selection) | _texts(context, "report"),
        "stored": record.report,
        "constant": None if data is not None else record.constant,
    }


def read_record(folder: Path) -> ModelRecord:
    """``training.json`` of a folder, with the places of now where folder and files were moved.

    Raises:
        UnavailableError: it is missing or broken.
    """
    path = folder / RECORD
    try:
        record = _RECORD.validate_json(path.read_bytes())
    except OSError as error:
        raise UnavailableError(
            f"'{folder}' is not a trained model: {RECORD} cannot be read ({error.strerror}); "
            f"make one: {command('train', meant_study(folder) or 'STUDY')}"
        ) from None
    except ValidationError:
        raise UnavailableError(
            f"'{path}' is damaged; train again: {command('train', 'STUDY')}"
        ) from None
    return replace(record, setup=_found_again(record, folder))


def _found_again(record: ModelRecord, folder: Path) -> Setup:
    """The setup with the places of now; of data its record tells whether they are the same."""
    facts = StudyFacts(
        metric="",
        limit=0,
        backbone=BackboneFacts(weights=record.weights),
        task=TaskFacts(),
        folders=record.folders,
    )

    def change(key: str, path: str) -> str:
        return place_now(key, path, facts, folder)

    setup = record.setup
    fields = {"model": setup.model, "data": setup.data, "own_methods": setup.own_methods}
    now: dict[str, Any] = {
        name: change(name, path)
        for name, path in fields.items()
        if path is not None and os.path.isabs(path)
    }
    return replace(setup, task=with_places(setup.task, change), **now)
