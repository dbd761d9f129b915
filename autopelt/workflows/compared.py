"""What is compared: methods by the names that a user gives them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Budget, Count, perhaps_a_share
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import shrink
from autopelt.backbones.load import load_config
from autopelt.backbones.shapes import shapes_of_config
from autopelt.cards.comparison_rows import FOUND, FULL, HAND
from autopelt.data.recorded import REPORT
from autopelt.data.source import DataFacts
from autopelt.errors import AutopeltError, InfeasibleError, UsageError, parameter
from autopelt.study.config import StudyConfig
from autopelt.study.lookup import BEST, find_architecture, split_study
from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.training.spec import Setup


@dataclass(frozen=True)
class Method:
    """One row to be: an architecture on a backbone, under the name that the user gave it.

    Attributes:
        role: ``found`` by a study, made by ``hand``, or the ``full`` model, a reference.
        within: the budgets, as a user writes them, at which it competes.
        study: that found it, or None.
    """

    name: str
    architecture: Architecture
    count: Count
    setup: Setup
    role: str = HAND
    within: tuple[str, ...] = ()
    study: StudyRecord | None = field(default=None, compare=False)

    @property
    def key(self) -> str:
        """Identifies its trainings in the ledger."""
        return f"{self.architecture.id}@{self.setup.model}"

    def check(self, config: StudyConfig, data: DataFacts) -> None:
        """Refuse a report split of which the study may have trained on examples.

        Args:
            config: of the comparison. data: its splits.

        Raises:
            UsageError: the study cut the report split with another random seed.
            UnavailableError: the data has changed since the study.
        """
        if self.study is None or self.study.config.task != config.task:
            return
        seed = self.study.config.random_seed
        if "report" in data.cut_splits and seed != config.random_seed:
            raise UsageError(
                f"method '{self.name}' was searched with {parameter('random_seed', seed)}, on "
                "examples that are in the report split of this comparison; give the same."
            )
        asked = (c.training.report_examples for c in (self.study.config, config))
        if len(set(asked)) == 1:  # a part of the report split, as was asked for, is no other data
            self.study.task.recorded.check(self.study.task.name, data.recorded, REPORT)


@dataclass(frozen=True)
class _Name:
    """A name as a user wrote it, and what it can be asked.

    Attributes:
        study: that it names, or of which it names a trial.
        best: it names a study, or the best of it.
        swept: several rates are offered to each method.
    """

    text: str
    setup: Setup
    counter: ShapeCounter
    architecture: Architecture
    study: StudyRecord | None
    best: bool
    swept: bool

    @classmethod
    def read(cls, text: str, own: Setup, swept: bool) -> "_Name":
        """``NAME``, ``NAME~``, ``NAME@MODEL``. Raises UsageError."""
        name, _, model = text.partition("@")
        setup = replace(own, model=_model(model)) if model else own
        shapes = shapes_of_config(load_config(setup.source))
        counter = ShapeCounter(shapes)
        plain = name.removesuffix("~")
        try:
            named = find_architecture(plain, shapes)
            counter.count(named.architecture)
        except AutopeltError as error:
            raise UsageError(f"method '{text}': {error.marked}") from None
        study = split_study(plain)
        best = study is not None and study[1] in ("", BEST)
        architecture = named.architecture if named.trial is None else _offered(named.trial, swept)
        return cls(text, setup, counter, architecture, named.study, best, swept)

    @property
    def role(self) -> str:
        if self.architecture.full:
            return FULL
        return HAND if self.study is None else FOUND

    def limit(self, budget: Budget) -> int:
        return budget.limit(self.counter.shapes.backbone_parameters)

    def method(self, name: str, architecture: Architecture, within: Iterable[str]) -> Method:
        count = self.counter.count(architecture)
        role, within = self.role, tuple(within)
        return Method(name, architecture, count, self.setup, role, within, self.study)


def _offered(trial: TrialRecord, swept: bool) -> Architecture:
    """What a study trained; what is made by hand at its method's own rates, where they are swept.

    The factors are the same for all: offered four times its own as 1, it could not have its own.
    """
    if swept and trial.label:
        return replace(trial.architecture, learning_rate_multiplier=1.0)
    return trial.architecture


def find_methods(
    names: Sequence[str], config: StudyConfig, budget: Budget | None, *, swept: bool = False
) -> list[Method]:
    """What the names mean: ``NAME``, ``NAME~`` (shrunk to the budget), ``NAME@MODEL``.

    ``NAME`` is a seed architecture, a file, ``STUDY``, ``STUDY:best`` or ``STUDY:TRIAL``.

    Args:
        budget: the budget, or None for none. ``full`` is a reference and may exceed it.
        swept: several rates are offered to each method.

    Raises:
        UsageError: an unknown name, or an architecture that the model cannot carry.
        InfeasibleError: methods over the budget, all of them named.
    """
    made: list[Method] = []
    over: list[str] = []
    for name in _read(names, config, swept):
        text, architecture = name.text, name.architecture
        limit = math.inf if budget is None else name.limit(budget)
        if text.partition("@")[0].endswith("~"):
            if budget is None:
                raise UsageError(
                    f"method '{text}' is to be shrunk, but there is no {parameter('budget')}."
                )
            small = shrink(architecture, name.counter, int(limit))
            if small is None:
                raise InfeasibleError(f"nothing of '{text}' fits the budget of {budget}.")
            architecture = small
        method = name.method(text, architecture, ("",))
        if method.count.deployed > limit and method.role != FULL:
            over.append(f"{text} ({method.count.deployed:,})")
        made.append(method)
    if over:
        raise InfeasibleError(
            f"over the budget of {budget}{_share(budget)}: {', '.join(over)}; shrink one with "
            f"NAME~, or leave out {parameter('budget')}."
        )
    unique = {m.key: m for m in reversed(made)}
    return [m for m in made if unique[m.key] is m]


def several_budgets(texts: Sequence[str], config: StudyConfig) -> tuple[Budget, ...]:
    """Budgets, each once, the smallest on the study's backbone first. Raises UsageError."""
    parameters = shapes_of_config(load_config(Setup.of(config).source)).backbone_parameters
    limits = {budget.limit(parameters): budget for budget in map(Budget.parse, reversed(texts))}
    if not limits:
        raise UsageError(f"{parameter('budgets')} is empty; give budgets like 0.05%,0.2%,1%.")
    return tuple(limits[limit] for limit in sorted(limits))


def methods_within(
    names: Sequence[str], config: StudyConfig, budgets: Sequence[Budget], *, swept: bool = False
) -> list[Method]:
    """What the names mean at several budgets; each architecture once.

    What is made by hand comes shrunk to each budget (``sapa~0.2%``), and competes at every budget
    that it is within. A study, or its ``best``, gives at every budget what it expects most of
    within that; another trial of it stays as it is.

    Raises:
        UsageError: as `find_methods`.
        InfeasibleError: nothing of a name fits any of the budgets.
    """
    every: dict[tuple[str, str], Method] = {}
    for name in _read(names, config, swept):
        made = _at_each(name, budgets)
        if not made:
            most = " or ".join(f"{b}{_share(b)}" for b in budgets)
            raise InfeasibleError(f"nothing of '{name.text}' fits a budget of {most}.")
        for m in made:
            known = every.get((m.key, m.role))
            within = {} if known is None else dict.fromkeys(known.within)
            merged = replace(known or m, within=tuple(dict.fromkeys((*within, *m.within))))
            every[m.key, m.role] = merged
    return list(every.values())


def _at_each(name: _Name, budgets: Sequence[Budget]) -> list[Method]:
    """A name at each budget; what comes twice is merged by who asks."""
    whole = name.architecture
    if name.role == FULL:
        return [name.method(name.text, whole, ())]
    limits = {str(b): name.limit(b) for b in budgets}
    if name.best and name.study is not None:
        made = []
        for budget, limit in limits.items():
            if (trial := name.study.best_within(limit)) is not None:
                words = f"{name.study.name}:{trial.number}"
                words += f" ({trial.label})" if trial.label else ""
                made.append(name.method(words, _offered(trial, name.swept), (budget,)))
        return made
    shrunk = name.text.partition("@")[0].endswith("~")
    if name.role == FOUND and not shrunk:
        size = name.counter.count(whole).deployed
        within = [b for b, limit in limits.items() if size <= limit]
        return [name.method(name.text, whole, within)] if within else []
    made = []
    for budget, limit in limits.items():
        small = shrink(whole, name.counter, limit)
        if small is None:
            continue
        plain, at, model = name.text.partition("@")
        words = plain.removesuffix("~") + ("" if small == whole else f"~{budget}") + at + model
        size = name.counter.count(small).deployed
        made.append(name.method(words, small, [b for b, most in limits.items() if size <= most]))
    return made


def _read(names: Sequence[str], config: StudyConfig, swept: bool) -> list[_Name]:
    if not names:
        raise UsageError(f"{parameter('methods')} is empty; give names like unipelt,lora-r8,full.")
    own = Setup.of(config)
    return [_Name.read(text, own, swept) for text in names]


def _model(name: str) -> str:
    return str(Path(name).resolve()) if Path(name).is_dir() else name


def _share(budget: Budget | None) -> str:
    """A question where a share was meant, perhaps."""
    return perhaps_a_share(budget.count or 0) if budget is not None else ""
