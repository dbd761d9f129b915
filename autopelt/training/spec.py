"""What a worker is told: small, picklable values, no weights and no data."""

from dataclasses import dataclass, replace
from pathlib import Path

from autopelt.backbones import description
from autopelt.backbones.families import Family
from autopelt.backbones.source import ModelSource, resolve
from autopelt.data.recorded import Recorded
from autopelt.methods.own_file import run_own_file
from autopelt.study.config import QUANTISED, StudyConfig, TrainingConfig, require_no_own_loop
from autopelt.study.facts import TaskFacts
from autopelt.system.files import expanded
from autopelt.tasks import Source


@dataclass(frozen=True)
class Setup:
    """What the trials of a study share; a worker keeps it warm between trials.

    Attributes:
        model: as users name it, with ``@revision`` where one is asked for.
        task: name of a task or a task file.
        data: folder with the task's files, or None.
        train_examples, selection_examples, report_examples: how many examples of a split to use, or
            None for all.
        max_length: tokens an example may have, or None for the task's default.
        random_seed: of the split into train and selection and of the choice of examples.
        recorded: the examples that it must be, or None for any.
        backbone: a description of the model that goes with it, or None.
        bf16: keep the frozen weights in bf16.
        own_methods: Python file that registers methods of the user's own; run by then.
        own_loop: name of the Python function that trains instead, on a model of its own.
        quantised: keep frozen linear maps so: ``int8``, ``nf4``, or "" for not.
    """

    model: str
    task: str
    data: str | None = None
    train_examples: int | None = None
    max_length: int | None = None
    random_seed: int = 0
    recorded: Recorded | None = None
    backbone: Family | None = None
    bf16: bool = False
    own_methods: str | None = None
    quantised: str = ""
    own_loop: str | None = None
    selection_examples: int | None = None
    report_examples: int | None = None

    def __post_init__(self) -> None:
        self.run_own_methods()

    def run_own_methods(self) -> None:
        """Make the user's own methods known; a copy that came from another process calls it."""
        if self.own_methods is not None:
            run_own_file(self.own_methods)

    @classmethod
    def of(cls, config: StudyConfig, task: TaskFacts | None = None) -> "Setup":
        """The shared part of a study's configuration; with `task`, for the examples it had only."""
        model = config.model + (f"@{config.revision}" if config.revision else "")
        described, precision = config.backbone_description, config.training.precision
        data = None if config.data is None else str(Path(config.data).resolve())
        return cls(
            model,
            config.task,
            data,
            config.training.train_examples,
            config.training.max_length,
            config.random_seed,
            None if task is None else task.recorded,
            None if described is None else description.read(described),
            precision == "bf16",
            config.own_methods,
            precision if precision in QUANTISED else "",
            config.own_loop,
            config.training.selection_examples,
            config.training.report_examples,
        )

    @property
    def source(self) -> ModelSource:
        """Where the model comes from. Raises UsageError, UnavailableError where it is not there."""
        require_no_own_loop(self.own_loop)
        return resolve(self.model, self.backbone)

    @property
    def keep(self) -> str:
        """How frozen weights are kept: ``fp32``, ``bf16``, ``int8`` or ``nf4``."""
        return self.quantised or ("bf16" if self.bf16 else "fp32")

    def anywhere(self) -> "Setup":
        """The same for a process with another working directory: paths in full."""
        model, task = self.model, self.task
        if model != "minilm" and expanded(model).is_dir():
            model = str(expanded(model).absolute())
        if "\n" not in task and task.endswith((".yaml", ".yml")):
            task = str(Path(task).absolute())
        return replace(self, model=model, task=task)


def data_source(setup: Setup) -> Source:
    """Where a setup's examples come from."""
    return Source(
        data=None if setup.data is None else Path(setup.data),
        train_examples=setup.train_examples,
        selection_examples=setup.selection_examples,
        report_examples=setup.report_examples,
        random_seed=setup.random_seed,
    )


@dataclass(frozen=True)
class Cache:
    """Where hidden states of the frozen trunk are kept.

    Attributes:
        folder: of the search; a machine of a cluster that has no such folder makes one of its own.
        limit: bytes that they may take there.
    """

    folder: str
    limit: int


@dataclass(frozen=True)
class TrialSpec:
    """One training.

    Attributes:
        number: of the trial in its study.
        architecture: canonical JSON of the architecture.
        random_seed: of the start of the modules and head, of dropout and of the order of examples.
        setup: model, task and data.
        training: epochs, batch size, schedule.
        weights: folder for the weights of the best epoch, or None to keep none.
        threads: CPU threads the training may use.
        order_seed: of the order of examples, where trials that share a batch share it; None: from
            `random_seed`.
        timeout: seconds after which the worker's process is ended, or None.
        cache: where the trials of this machine keep hidden states of the trunk, or None.
        report: score the report split at the end. A trial of a search never does.
        log: file for what the training prints, or None.
        costs: names of what is to be measured of the architecture (`COSTS`).
        general_text: file of the text on which forgetting is measured; None: the built-in one.
    """

    number: int
    architecture: str
    random_seed: int
    setup: Setup
    training: TrainingConfig
    weights: str | None = None
    threads: int = 1
    order_seed: int | None = None
    timeout: float | None = None
    cache: Cache | None = None
    report: bool = False
    log: str | None = None
    costs: tuple[str, ...] = ()
    general_text: str | None = None
