"""The configuration of a study: every choice that decides its result, checked all at once."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from autopelt.architecture.budget import Budget
from autopelt.errors import UsageError
from autopelt.space.space import SearchSpace
from autopelt.study.objectives import Objectives
from autopelt.system.addresses import has_secret
from autopelt.system.files import read_text
from autopelt.system.units import Bytes, Seconds
from autopelt.system.validation_errors import validated
from autopelt.system.written import Written
from autopelt.system.yaml import load_yaml

CONFIG = "config.yaml"
"""In a study's folder: its configuration, fully resolved."""

DATABASE = "study.db"
"""In a study's folder: its trials, unless they are in a database elsewhere."""

TRAINED, RECORD = "trained", "training.json"
"""In a study's folder: the model that was trained to be kept; in that, what it says of itself."""

STUDIES = Path("reports")
"""Where searches put their studies."""

QUANTISED = ("int8", "nf4")
"""Precisions whose weights are kept in fewer bits than they are multiplied in."""

Positive = Annotated[int, Field(ge=1, le=10_000_000, strict=True)]


def _on_or_off(value: Any) -> Any:
    """YAML reads ``on`` and ``off`` without quotes as true and false."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


class TrainingConfig(BaseModel):
    """How one architecture is trained. The learning rates are the methods' own, times a factor.

    Attributes:
        train_examples, selection_examples, report_examples: how many of a split are used, drawn
            stratified; None: all.
        learning_rate_factor: on every learning rate, the head's too.
        warmup: share of the steps over which the rate rises; then it falls to 0.
        schedule: how it falls: ``linear``, or ``cosine``, which stays high for longer.
        dropout: use the backbone's own dropout from the lowest active module upwards.
        precision: of the products with frozen weights: ``fp32``; ``bf16``, in which the frozen
            weights are kept as well, in half of the memory; ``int8`` and ``nf4``, in which linear
            maps are kept in a quarter and an eighth of it; or ``auto``: bf16 on a GPU or a
            processor that is faster with it, fp32 elsewhere, with weights kept in fp32. What is
            trained is fp32. On a GPU all products are bf16 where those are, or weights quantised.
        packing: several examples in one row where a decoder learns to write, none of them seeing
            another: ``on``; ``off``; ``auto``: where padding costs more than that.
        gradient_checkpointing: keep the inputs of layers only and compute the rest once more on
            the way back: two fifths more time, half of the memory or less.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: Annotated[int, Field(ge=1, le=10_000, strict=True)] = 5
    batch_size: Annotated[int, Field(ge=1, le=65_536, strict=True)] = 16
    max_length: Annotated[int, Field(ge=4, le=1_000_000, strict=True)] | None = None
    train_examples: Positive | None = None
    selection_examples: Positive | None = None
    report_examples: Positive | None = None
    learning_rate_factor: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] = 1.0
    warmup: Annotated[float, Field(ge=0, le=1)] = 0.1
    schedule: Literal["linear", "cosine"] = "linear"
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.01
    clip_norm: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    dropout: Annotated[bool, Field(strict=True)] = True
    precision: Literal["auto", "fp32", "bf16", "int8", "nf4"] = "auto"
    packing: Annotated[Literal["auto", "on", "off"], BeforeValidator(_on_or_off)] = "auto"
    gradient_checkpointing: Annotated[bool, Field(strict=True)] = False


def _timeout(text: str) -> Seconds:
    seconds = Seconds.parse(text)
    if not 1 <= seconds <= 1e8:
        raise UsageError(f"'{text}' is {seconds:g} seconds; a trial may take 1s or more")
    return seconds


def _space(value: Any) -> Any:
    """Of a name or a path the space itself."""
    return SearchSpace.load(value) if isinstance(value, str) else value


SpaceField = Annotated[
    SearchSpace, BeforeValidator(_space, json_schema_input_type=str | SearchSpace)
]
BudgetField = Annotated[
    Budget, Written(Budget.parse, "a share or a count, like 1% or 300k", (str, int, float))
]
ObjectivesField = Annotated[Objectives, Written(Objectives.parse, "text like both or score,params")]
TimeoutField = Annotated[
    Seconds, Written(_timeout, "a duration, like 90s, 30m or 2h", (str, int, float))
]
MemoryField = Annotated[
    Bytes,
    Written(Bytes.parse, "an amount of memory like 4GiB, or off (quoted in YAML)", (str, int)),
]


class StudyConfig(BaseModel):
    """Everything a study is made of. `config.yaml` in its folder is this, fully resolved.

    Attributes:
        task: name of a task, or a task file.
        model: Hub name, folder, or ``minilm``.
        revision: Hub revision of the model.
        backbone_description: where things are in the model, written out as in backbone.yaml, or
            None: what is known of it.
        own_loop: name of the Python function that trained it (`autopelt.search`), or None.
        own_methods: Python file that registers methods of the user's own, or None.
        budget: bound on deployed parameters (`Budget`).
        objectives: ``both`` (the best score within the budget, and the front of score against
            parameters), ``score`` (only the one), ``score,params`` (only the other), or
            ``score,params`` and costs that workers measure (`autopelt.study.objectives.COSTS`).
        general_text: file on which forgetting and drift are measured; None: a built-in text.
        min_budget: lower bound, or None.
        space: the search space, written out.
        warm_start: folder of another study whose front is evaluated early and whose scores inform
            the surrogate, or None.
        trials: trials of the study in total.
        repeats: of these, trainings of the most promising architectures again, with fresh random
            seeds, at the end; None for a fifth.
        early_stopping: stop trials that can hardly join the front any more.
        workers: trials at once.
        trial_timeout: a trial that takes longer (``30m``) fails and its worker is replaced.
        trials_per_worker: trials that one worker trains at once, in one batch where they can share
            it; they then have one order of the examples.
        random_seed: every random choice of the study derives from it.
        data: folder with the task's files in the benchmark's own layout.
        cache_memory: most memory for hidden states of the frozen trunk, on each machine: ``4GiB``;
            ``off`` for none; None for a quarter of what is free when a search starts.
        margin: how much lower than the best a score may be to be called as good; None for one
            standard error of the best one over the selection split.
        confirm_seeds: random seeds with which the best are trained again after the search, or None.
        storage: database of the trials, any URL that Optuna takes; None: study.db in the folder.
        tensorboard: write TensorBoard's files of every trial.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str
    model: str = "minilm"
    revision: str | None = None
    backbone_description: dict[str, Any] | None = None
    own_methods: str | None = None
    own_loop: str | None = None
    budget: BudgetField = Budget(share=0.01)
    min_budget: BudgetField | None = None
    objectives: ObjectivesField = Objectives(best_too=True)
    general_text: str | None = None
    space: SpaceField = Field("mixed", validate_default=True)
    sampler: str = "pelt"
    seed_architectures: tuple[str, ...] | None = None
    warm_start: str | None = None
    trials: Positive = 60
    repeats: Annotated[int, Field(ge=0, le=10_000_000, strict=True)] | None = None
    workers: Annotated[int, Field(ge=1, le=4096, strict=True)] = 2
    trials_per_worker: Annotated[int, Field(ge=1, le=256, strict=True)] = 1
    trial_timeout: TimeoutField | None = None
    random_seed: Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)] = 0
    early_stopping: Annotated[bool, Field(strict=True)] = False
    data: str | None = None
    cache_memory: MemoryField | None = None
    margin: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    confirm_seeds: Annotated[int, Field(ge=1, le=1000, strict=True)] | None = None
    storage: str | None = None
    tensorboard: Annotated[bool, Field(strict=True)] = False
    training: TrainingConfig = TrainingConfig()

    @property
    def total_repeats(self) -> int:
        """Trials that train an architecture again; a study of fewer than five has none to spare."""
        return self.trials // 5 if self.repeats is None else min(self.repeats, self.trials)

    @field_validator("storage")
    @classmethod
    def _storage(cls, value: str | None) -> str | None:
        if value is not None and "://" not in value:
            raise ValueError(
                "must be a URL like postgresql://user@host/database or sqlite:////path/all.db"
            )
        if value is not None and has_secret(value):
            raise ValueError(
                "has a password, which would be kept in config.yaml; leave it out and give it by "
                "PGPASSWORD or ~/.pgpass (PostgreSQL), or ~/.my.cnf (MySQL)"
            )
        return value

    @classmethod
    def parse(cls, text: str, source: str) -> "StudyConfig":
        """Read a configuration file.

        Raises:
            UsageError: names every wrong key and value at once.
        """
        return cls.build(read_values(text, source), source)

    @classmethod
    def build(
        cls, values: dict[str, Any], source: str, named: Callable[[str], str] = str
    ) -> "StudyConfig":
        """Check plain values. Raises UsageError with every error in one line."""
        return validated(cls, values, source, named)

    @classmethod
    def load(cls, path: Path) -> "StudyConfig":
        """Read a file. Raises UsageError where it cannot be read."""
        text = read_text(path, f"configuration '{path}'")
        return cls.parse(text, f"configuration '{path}'")

    def to_yaml(self) -> str:
        """YAML that `parse` reads back to an equal value."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, width=100)

    @model_validator(mode="after")
    def _together(self) -> "StudyConfig":
        if self.early_stopping and self.trials_per_worker > 1:
            raise ValueError(
                f"early_stopping cannot stop one of the {self.trials_per_worker} trials that share "
                "a batch; leave it off, or take trials_per_worker: 1"
            )
        if self.early_stopping and self.objectives.watched:
            raise ValueError(
                f"early_stopping knows the front of score and params only; with objectives "
                f"{self.objectives} leave it off"
            )
        return self

    @property
    def order_seed(self) -> int | None:
        """Of the order of examples that all trials share; None where each has its own."""
        alone = self.trials_per_worker == 1
        return None if alone else derived_seed(self.random_seed, "order")

    def differences(self, other: "StudyConfig") -> list[str]:
        """What makes the other a different study, one ``key: mine, not theirs`` each.

        The number of trials, of workers and of confirmations, the margin, the timeout and the cache
        may change while a study goes on.
        """
        free = {
            *(
                "trials",
                "repeats",
                "workers",
                "trial_timeout",
                "cache_memory",
                "margin",
                "confirm_seeds",
                "tensorboard",
            ),
        }
        mine, theirs = self.model_dump(mode="json"), other.model_dump(mode="json")
        return [
            f"{key}: {_short(mine[key])}, not {_short(theirs[key])}"
            for key in mine
            if key not in free and mine[key] != theirs[key]
        ]


def require_no_own_loop(name: object) -> None:
    """Refuse what needs the model and the training of a study that only a program has.

    Args:
        name: `StudyConfig.own_loop`.

    Raises:
        UsageError: there is such a function.
    """
    if name is not None:
        raise UsageError(
            f"this study was trained by a Python function, '{name}', on a model object, and keeps "
            f"neither; go on with the same call of autopelt.search(model=…, train={name}, out=…), "
            "and take its best with autopelt.open_study(…).load(model=…)."
        )


def read_values(text: str, source: str) -> dict[str, Any]:
    """Plain values of a configuration file. Raises UsageError where it is no mapping."""
    value = load_yaml(text, source)
    if not isinstance(value, dict):
        raise UsageError(f"{source} is not a mapping of keys like 'task' and 'budget'.")
    return value


def derived_seed(random_seed: int, *parts: object) -> int:
    """A random seed of its own for a part of a study: stable, and unlike its neighbours'."""
    text = json.dumps([random_seed, *map(str, parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
