"""What is exported: a trained architecture with its backbone's name, task head and labels."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.description import plain, read
from autopelt.backbones.families import Family
from autopelt.backbones.head import HEADS, added_biases
from autopelt.backbones.load import load_config, load_model, load_tokenizer
from autopelt.backbones.pooler import reads_first_token
from autopelt.backbones.source import ModelSource, resolve
from autopelt.errors import UnavailableError, UsageError, command, parameter
from autopelt.modules.attachment import head_parameters
from autopelt.modules.checkpoint import load
from autopelt.study.config import CONFIG, RECORD
from autopelt.study.lookup import choose_trial, split_study
from autopelt.study.record import TrialRecord
from autopelt.study.storage import StudyStorage
from autopelt.study.there import nothing_trained
from autopelt.system.files import utf8_text
from autopelt.tasks.chat import Chat
from autopelt.tasks.chat_template import ChatTemplate
from autopelt.tasks.kinds import KINDS
from autopelt.tasks.unlabelled import trained_task
from autopelt.training.context import length_limit
from autopelt.training.final import read_record
from autopelt.training.spec import Setup

DESCRIPTION = "autopelt.json"
FORMAT = "autopelt 1"


@dataclass(frozen=True)
class Trained:
    """A folder with weights, and what is needed to load them.

    Attributes:
        folder: holds ``architecture.yaml`` and ``weights.safetensors``.
        model: the backbone as users name it: ``minilm``, a folder, or ``name@revision``.
        head: kind of task head, a key of `autopelt.backbones.head.HEADS`.
        labels: names of the classes, in the order of the head's outputs; empty for other heads.
        task: name of the task it was trained on.
        scores: scores that were measured, by split and metric.
        kind: of the task.
        max_length: tokens an example may have; None: the task's usual number.
        backbone: a description of the model that goes with it, or None.
        quantised: how frozen weights were kept in training: ``int8``, ``nf4``, or "" for not so.
    """

    folder: Path
    model: str
    head: str
    labels: tuple[str, ...] = ()
    task: str = ""
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    kind: str = ""
    max_length: int | None = None
    backbone: Family | None = None
    quantised: str = ""

    @property
    def outputs(self) -> int:
        """Outputs of the head; of several choices, one at a time is scored."""
        return 1 if self.kind == "multiple_choice" else len(self.labels) or 1

    def source(self, model: str | None = None) -> ModelSource:
        """Where the backbone comes from; `model` is another place of it."""
        return resolve(model or self.model, self.backbone)

    def describe(self) -> dict[str, Any]:
        """Plain values for ``autopelt.json``; the folder is where that file lies."""
        values = asdict(self)
        del values["folder"]
        values["backbone"] = None if self.backbone is None else plain(self.backbone)
        return {"format": FORMAT} | values


def find_trained(folder: str | Path) -> Trained:
    """Read a study, ``STUDY:TRIAL``, a folder of `autopelt train`, or an exported folder.

    Raises:
        UsageError: the study has no such trial.
        UnavailableError: it is none of these, is damaged, or has no trained architecture yet.
    """
    place = split_study(str(folder))
    if place is not None and place[1]:
        folder = _of_trial(*place)
    folder = Path(folder)
    if (folder / DESCRIPTION).is_file():
        return _described(folder)
    if (folder / CONFIG).is_file():
        return _of_study(folder)
    if not (folder / RECORD).is_file():
        raise nothing_trained(folder)
    record = read_record(folder)
    setup = record.setup
    scores = {"selection": record.selection, "report": record.report}
    scores = {name: known for name, known in scores.items() if known}
    return Trained(
        folder,
        setup.model,
        record.head,
        record.labels,
        setup.task,
        scores,
        record.kind,
        setup.max_length,
        setup.backbone,
        setup.quantised,
    )


def load_trained(
    trained: Trained, model: str | None = None, keep: str = "fp32"
) -> tuple[PreTrainedModel, Any]:
    """The model with everything attached, in evaluation mode, and its tokenizer.

    Args:
        trained: from `find_trained`.
        model: another place of the same backbone, such as a folder.
        keep: frozen weights so, as of `load_model`.

    Raises:
        UnavailableError: backbone or weights are not to be had or do not match.
    """
    source = trained.source(model)
    made = load_model(source, trained.head, trained.outputs, random_seed=0, keep=keep)
    if len(trained.labels) == trained.outputs:
        made.config.id2label = dict(enumerate(trained.labels))
        made.config.label2id = {name: i for i, name in enumerate(trained.labels)}
    if trained.kind in KINDS:
        made.config.problem_type = KINDS[trained.kind].problem_type  # type: ignore[assignment]
    load(made, trained.folder)
    tokenizer = _tokenizer(trained, source)
    if hasattr(tokenizer, "pad_token_id"):  # a plain transformers model looks for it in the texts
        made.config.pad_token_id = tokenizer.pad_token_id
    return made, tokenizer


def _tokenizer(trained: Trained, source: ModelSource) -> Any:
    """The tokenizer; of a chat with the template that it was trained with."""
    tokenizer = load_tokenizer(source)
    if issubclass(KINDS.get(trained.kind, object), Chat):
        task = trained_task(trained.task, trained.kind, trained.labels)
        assert isinstance(task, Chat)
        tokenizer.chat_template = ChatTemplate(tokenizer, task.chat_template).text
    return tokenizer


def trained_limit(trained: Trained, tokenizer: Any, config: Any) -> int:
    """Tokens that an example may have."""
    task = trained_task(trained.task, trained.kind, trained.labels)
    return length_limit(trained.max_length or task.max_length, tokenizer, config)


def require_plain_head(model: PreTrainedModel, to: str) -> None:
    """Check that others can load the task head.

    Args:
        to: the format, for the error.

    Raises:
        UsageError: it has a bias of its own, or reads something else than transformers' does.
    """
    if reads_first_token(model):
        raise UsageError(
            f"cannot export to {to}: the backbone has no pooler, and without one the head of a "
            f"{model.config.model_type} reads the first token, which no class of transformers "
            f"does; use {parameter('to', 'autopelt')}."
        )
    added = added_biases(model, head_parameters(model))
    if added:
        raise UsageError(
            f"cannot export to {to}: the head of a {model.config.model_type} has no bias in "
            f"transformers, and the labels' mean is kept in one ({added[0]}); use "
            f"{parameter('to', 'autopelt')}."
        )


def load_exported(folder: str | Path, model: str | None = None) -> tuple[PreTrainedModel, Any]:
    """Model and tokenizer of a folder that ``autopelt export --to autopelt`` wrote.

    Also reads studies and folders of `autopelt train`. Arguments and errors as `load_trained`.
    """
    return load_trained(find_trained(folder), model)


def _described(folder: Path) -> Trained:
    path = folder / DESCRIPTION
    try:
        values = json.loads(utf8_text(path))
        made = Trained(
            folder,
            values["model"],
            values["head"],
            tuple(values["labels"]),
            values.get("task", ""),
            values.get("scores", {}),
            values.get("kind", ""),
            values.get("max_length"),
            None if values.get("backbone") is None else read(values["backbone"]),
            values.get("quantised", ""),
        )
        known = values["format"] == FORMAT and made.head in HEADS
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged(path, error) from None
    if not known:
        raise UnavailableError(
            f"'{path}' has format {values['format']!r} and head {made.head!r}; this autopelt reads "
            f"'{FORMAT}' with one of: {', '.join(HEADS)}."
        )
    return made


def _of_study(folder: Path) -> Trained:
    best = folder / "best"
    if not (best / "weights.safetensors").is_file():
        raise UnavailableError(
            f"study '{folder}' has no trained architecture within its budget yet; go on with: "
            f"{command('resume', folder)}"
        )
    study = StudyStorage.open(folder)
    setup = Setup.of(study.config)
    labels = study.facts.task.labels
    scores = {"selection": _selection_scores(best / "metrics.json")}
    kind = study.facts.task.kind
    return Trained(
        best,
        setup.model,
        _head(kind, setup.source),
        labels,
        setup.task,
        scores,
        kind,
        setup.max_length,
        setup.backbone,
        setup.quantised,
    )


def _selection_scores(path: Path) -> dict[str, float]:
    """Scores of a study's best on the selection split. Raises UnavailableError."""
    try:
        scores = json.loads(utf8_text(path))["selection"]
        return {name: float(score) for name, score in scores.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> UnavailableError:
    return UnavailableError(f"'{path}' is damaged ({type(error).__name__}).")


def _of_trial(study: Path, which: str) -> Path:
    """The folder with a trial's weights. Raises UnavailableError where they were not kept."""
    trial = choose_trial(StudyStorage.open(study).record(), which)
    folder = trial_folder(study, trial)
    if folder is not study and not (folder / RECORD).is_file():
        raise UnavailableError(
            f"the weights of {study}:{trial.number} were not kept, as it is not the study's best; "
            f"train it first: {command('train', f'{study}:{trial.number}', out=str(folder))}"
        )
    return folder


def trial_folder(study: Path, trial: TrialRecord) -> Path:
    """Where a trial's weights are: in the study those of its best, in ``models`` those of others.

    There `autopelt train` puts them, when they are asked for.
    """
    kept = study / "best" / "architecture.yaml"
    if kept.is_file() and Architecture.from_file(kept) == trial.architecture:
        return study
    return study / "models" / str(trial.number)


def _head(kind: str, source: ModelSource) -> str:
    """The head that a kind of task needs, without its data: that may be gone by now."""
    if kind == "generation":
        decodes = load_config(source).is_encoder_decoder
        return "seq2seq" if decodes else "causal_lm"
    return KINDS[kind].head
