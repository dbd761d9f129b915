"""Hold methods against each other on one task: equal effort, K random seeds, the report split.

Three phases, each training a line in ``runs.jsonl``: the learning rate of every method from the
same small grid with the same random seeds, by the selection split; K trainings at that rate, scored
on the report split; cost, measured one after another while nothing else runs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Budget, Count
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import shrink
from autopelt.backbones.load import load_config
from autopelt.backbones.shapes import shapes_of_config
from autopelt.backbones.source import resolve
from autopelt.cards.comparison_rows import Row
from autopelt.data.splits import content_hash
from autopelt.errors import AutopeltError, InfeasibleError, UsageError, parameter
from autopelt.report.comparison import write_comparison
from autopelt.study.config import StudyConfig, TrainingConfig, derived_seed
from autopelt.study.confirmation import Training
from autopelt.study.facts import BackboneFacts, Facts, TaskFacts
from autopelt.study.lookup import find_architecture
from autopelt.study.record import COMPLETE, FAILED, StudyRecord, TrialRecord
from autopelt.system.files import write_text
from autopelt.system.json_lines import append, read_lines
from autopelt.system.lock import LOCK
from autopelt.system.signals import stoppable
from autopelt.tasks import make_task
from autopelt.training.context import data_source
from autopelt.training.profile import measured
from autopelt.training.spec import Setup
from autopelt.workflows.jobs import Job, Say, run_jobs
from autopelt.workflows.plan import default_threads, score_name, task_facts, versions

RUNS, STATE = "runs.jsonl", "compare.json"


@dataclass(frozen=True)
class Method:
    """One row to be: an architecture on a backbone, under the name that the user gave it."""

    name: str
    architecture: Architecture
    count: Count
    setup: Setup

    @property
    def key(self) -> str:
        """Identifies its trainings in the ledger."""
        return f"{self.architecture.id}@{self.setup.model}"


def find_methods(names: Sequence[str], config: StudyConfig, budget: Budget | None) -> list[Method]:
    """What the names mean: ``NAME``, ``NAME~`` (shrunk to the budget), ``NAME@MODEL``.

    ``NAME`` is a seed architecture, a file, ``STUDY``, ``STUDY:best`` or ``STUDY:TRIAL``.

    Args:
        budget: the budget, or None for none. ``full`` is a reference and may exceed it.

    Raises:
        UsageError: an unknown name, or an architecture that the model cannot carry.
        InfeasibleError: methods over the budget, all of them named.
    """
    if not names:
        raise UsageError(f"{parameter('methods')} is empty; give names like unipelt,lora-r8,full.")
    own = Setup.of(config)
    made: list[Method] = []
    over: list[str] = []
    for text in names:
        name, _, model = text.partition("@")
        setup = replace(own, model=_model(model)) if model else own
        shapes = shapes_of_config(load_config(resolve(setup.model)))
        counter = ShapeCounter(shapes)
        limit = math.inf
        if budget is not None:
            limit = budget.limit(shapes.backbone_parameters)
        try:
            architecture = find_architecture(name.removesuffix("~"), shapes).architecture
            count = counter.count(architecture)
        except AutopeltError as error:
            raise UsageError(f"method '{text}': {error.marked}") from None
        if name.endswith("~"):
            if budget is None:
                raise UsageError(
                    f"method '{text}' is to be shrunk, but there is no {parameter('budget')}."
                )
            small = shrink(architecture, counter, int(limit))
            if small is None:
                raise InfeasibleError(f"nothing of '{text}' fits the budget of {budget}.")
            architecture, count = small, counter.count(small)
        if count.deployed > limit and not architecture.full:
            over.append(f"{text} ({count.deployed:,})")
        made.append(Method(text, architecture, count, setup))
    if over:
        raise InfeasibleError(
            f"over the budget of {budget}: {', '.join(over)}; shrink one with NAME~, or leave "
            f"out {parameter('budget')}."
        )
    unique = {m.key: m for m in reversed(made)}
    return [m for m in made if unique[m.key] is m]


def _model(name: str) -> str:
    return str(Path(name).resolve()) if Path(name).is_dir() else name


class ComparisonFacts(Facts):
    """What must stay the same while a comparison goes on; ``compare.json`` in its folder."""

    metric: str
    task: TaskFacts
    training: TrainingConfig
    random_seed: int
    command: str = ""


@dataclass(frozen=True)
class Comparison:
    """What is compared, and how.

    Attributes:
        seeds: random seeds that each method is trained with at the rate chosen.
        rates: factors on every method's own learning rates to choose from.
        rate_seeds: random seeds that each rate is tried with; their mean chooses.
    """

    folder: Path
    config: StudyConfig
    methods: tuple[Method, ...]
    seeds: int
    rates: tuple[float, ...]
    command: str
    rate_seeds: int = 1

    def run(self, say: Say) -> StudyRecord:
        """Train and measure what is missing, and write the report.

        Raises:
            UsageError: too few seeds, a rate that is none, the folder holds another comparison.
            InfeasibleError: nothing could be trained.
            Stopped: the user interrupted; the same command goes on.
        """
        for name, number in (("seeds", self.seeds), ("rate_seeds", self.rate_seeds)):
            if number < 1:
                raise UsageError(f"{parameter(name, number)} is too few; it must be 1 or more.")
        wrong = [r for r in self.rates if not (0 < r < 1000)]
        if wrong or not self.rates:
            raise UsageError(f"{parameter('rates')} must be factors above 0, like 0.5,1,2.")
        facts = self._begin()
        try:
            self._train(self._rate_jobs(), facts.metric, say, "choosing learning rates")
            self._train(self._seed_jobs(), facts.metric, say, "training with fresh random seeds")
            with stoppable(lambda: True, lambda: None):  # a measurement half done is worth nothing
                self._measure(say)
        finally:
            record, rows = self._outcome(facts)
            write_comparison(record, rows, self.folder)
        if not any(row.scored for row in rows):
            causes = "; ".join(sorted({row.reason for row in rows if row.reason})) or "none began"
            raise InfeasibleError(f"no training of the comparison ended well: {causes}.")
        return record

    @property
    def ledger(self) -> Path:
        """The file that every training adds a line to."""
        return self.folder / RUNS

    def rows(self) -> list[Row]:
        """The table as far as it is known."""
        lines = read_lines(self.ledger)
        return [self._row(method, lines) for method in self.methods]

    # ------------------------------------------------------------------ what must stay the same
    def _begin(self) -> ComparisonFacts:
        """Look at the data, and at what the folder holds; write what must not change."""
        task = make_task(self.config.task)
        setup = Setup.of(self.config)
        task = task.for_model(load_config(resolve(setup.model)))
        splits = task.load(data_source(setup), report=True)
        assert splits.report is not None
        facts = ComparisonFacts(
            metric=score_name(task),
            task=task_facts(task, splits, report_hash=content_hash(splits.report)),
            training=self.config.training,
            random_seed=self.config.random_seed,
            command=self.command,
        )
        state = self.folder / STATE
        if state.is_file():
            self._go_on(state, facts)
        elif self.folder.is_dir() and [
            p for p in self.folder.iterdir() if not p.name.startswith(LOCK)
        ]:
            raise UsageError(
                f"'{self.folder}' is not empty and no comparison; give another {parameter('out')}."
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_text(state, facts.model_dump_json(indent=1) + "\n")
        except OSError as error:
            raise UsageError(
                f"'{self.folder}' cannot be written: {error.strerror}; give {parameter('out')}."
            ) from None
        return facts

    def _go_on(self, state: Path, facts: ComparisonFacts) -> None:
        """Raise UsageError where trainings of before would not be comparable."""
        try:
            before = ComparisonFacts.model_validate_json(state.read_text(encoding="utf-8"))
        except ValueError:
            raise UsageError(f"'{state}' is damaged; give another {parameter('out')}.") from None
        different = [
            key
            for key in ("metric", "training", "random_seed")
            if getattr(before, key) != getattr(facts, key)
        ]
        different += [
            f"task {key}"
            for key in ("name", "hash", "report_hash")
            if getattr(before.task, key) != getattr(facts.task, key)
        ]
        if different:
            raise UsageError(
                f"'{self.folder}' holds a comparison with another {', '.join(different)}; "
                f"put it back, or give another {parameter('out')}."
            )

    # ------------------------------------------------------------------ phases
    def _train(self, jobs: list[Job], metric: str, say: Say, what: str) -> None:
        if jobs:
            say(f"{what}: {len(jobs)} trainings to go")
            # Trainings of one backbone after another, so that a worker keeps it.
            run_jobs(
                sorted(jobs, key=lambda j: j.setup.model), self.ledger,
                workers=self.config.workers, metric=metric, say=say,
            )  # fmt: skip

    def _done(self, kind: str) -> set[tuple[str, float, int]]:
        return {
            (ln["method"], ln["rate"], ln["random_seed"])
            for ln in read_lines(self.ledger)
            if ln["kind"] == kind
        }

    def _rate_jobs(self) -> list[Job]:
        done = self._done("rate")
        several = len(self._rate_seeds) > 1
        return [
            self._job(
                m, "rate", rate, seed,
                f"{m.name}, learning rate times {rate:g}"
                + (f", random seed {k}" if several else ""), False,
            )
            for k, seed in enumerate(self._rate_seeds, 1)
            for m in self.methods
            for rate in self.rates
            if len(self.rates) > 1 and (m.key, rate, seed) not in done
        ]  # fmt: skip

    @property
    def _rate_seeds(self) -> list[int]:
        own = self.config.random_seed
        more = range(1, self.rate_seeds)
        return [
            derived_seed(own, "compare", "rate"),
            *(derived_seed(own, "compare", "rate", k) for k in more),
        ]

    def _seed_jobs(self) -> list[Job]:
        lines, done = read_lines(self.ledger), self._done("seed")
        jobs = []
        for k in range(self.seeds):
            seed = derived_seed(self.config.random_seed, "compare", k)
            for m in self.methods:
                rate = self.chosen_rate(m, lines)
                if rate is not None and (m.key, rate, seed) not in done:
                    name = f"{m.name}, random seed {k + 1}"
                    jobs.append(self._job(m, "seed", rate, seed, name, True))
        return jobs

    def chosen_rate(self, method: Method, lines: Sequence[dict[str, Any]]) -> float | None:
        """The factor with the best mean selection score; None if all fail.

        Of equals it is the nearest to 1. A factor that failed with one of the random seeds counts
        only where every factor did.
        """
        if len(self.rates) == 1:
            return self.rates[0]
        wanted = set(self._rate_seeds)
        tried: dict[float, list[float]] = {rate: [] for rate in self.rates}
        failed: set[float] = set()
        for ln in lines:
            ours = ln["kind"] == "rate" and ln["method"] == method.key
            if not ours or ln["rate"] not in tried or ln["random_seed"] not in wanted:
                continue
            if "selection" in ln:
                tried[ln["rate"]].append(ln["selection"])
            else:
                failed.add(ln["rate"])
        known = [rate for rate in self.rates if tried[rate]]
        return max(
            [rate for rate in known if rate not in failed] or known,
            key=lambda r: (sum(tried[r]) / len(tried[r]), -abs(math.log(r))),
            default=None,
        )

    def _job(self, m: Method, kind: str, rate: float, seed: int, name: str, report: bool) -> Job:
        about = {"kind": kind, "method": m.key, "name": m.name, "rate": rate}
        return Job(
            name, about, m.architecture.to_json(), seed, m.setup, self._training(rate), report
        )

    def _training(self, rate: float) -> TrainingConfig:
        factor = self.config.training.learning_rate_factor * rate
        return self.config.training.model_copy(update={"learning_rate_factor": factor})

    def _measure(self, say: Say) -> None:
        lines = read_lines(self.ledger)
        known = {ln["method"] for ln in lines if ln["kind"] == "cost" and "times_bare_1" in ln}
        for m in self.methods:
            rate = self.chosen_rate(m, lines)
            if m.key in known or rate is None:
                continue
            say(f"measuring {m.name}, alone")
            made = measured(
                m.architecture.to_json(), m.setup, self._training(rate), default_threads(1), 0
            )
            append(self.ledger, {"kind": "cost", "method": m.key, "name": m.name} | made)

    # ------------------------------------------------------------------ outcome
    def _row(self, m: Method, lines: Sequence[dict[str, Any]]) -> Row:
        mine = [ln for ln in lines if ln["method"] == m.key]
        rate = self.chosen_rate(m, lines)
        wanted = {derived_seed(self.config.random_seed, "compare", k) for k in range(self.seeds)}
        trainings = {
            ln["random_seed"]: Training.of(ln)
            for ln in mine
            if ln["kind"] == "seed" and ln["rate"] == rate and ln["random_seed"] in wanted
        }
        cost: dict[str, Any] = next((ln for ln in reversed(mine) if ln["kind"] == "cost"), {})
        reasons = [ln["reason"] for ln in mine if ln.get("reason")]
        return Row(
            m.name,
            m.architecture,
            m.count,
            rate,
            tuple(trainings.values()),
            {k: v for k, v in cost.items() if k not in ("kind", "method", "name")},
            reasons[-1] if reasons else "",
            rates=self.rates,
        )

    def _outcome(self, facts: ComparisonFacts) -> tuple[StudyRecord, list[Row]]:
        rows = self.rows()
        shapes = shapes_of_config(load_config(resolve(Setup.of(self.config).model)))
        trials = tuple(
            TrialRecord(
                number,
                row.architecture,
                row.count,
                COMPLETE if row.scored else FAILED,
                label=row.name,
                score=row.mean.mean if row.mean is not None else None,
                reason=row.reason,
            )
            for number, row in enumerate(rows)
        )
        record = StudyRecord(
            name=self.folder.name,
            config=self.config,
            command=self.command,
            metric=facts.metric,
            limit=shapes.backbone_parameters,
            backbone=BackboneFacts(
                name=self.config.model,
                family=shapes.family,
                parameters=shapes.backbone_parameters,
                layers=shapes.layers,
                hidden=shapes.hidden,
            ),
            task=facts.task,
            head=0,
            versions=versions(),
            trials=trials,
            total=len(rows),
        )
        return record, rows
