"""Hold methods against each other on one task: equal effort, K random seeds, the report split.

Three phases, each training a line in ``runs.jsonl``: the learning rate of every method from the
same small grid with the same random seeds, by the selection split, and where the best is at an end
of the grid from rates beyond it; K trainings at that rate, scored on the report split, of every
method or of those that can still be the best; cost, measured one after another while nothing else
runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autopelt.backbones.load import load_config
from autopelt.backbones.shapes import shapes_of_config
from autopelt.cards.at_budgets import AtBudgets, at_budgets
from autopelt.cards.comparison_rows import Row
from autopelt.data.recorded import REPORT, SEARCHED
from autopelt.data.source import DataFacts
from autopelt.errors import InfeasibleError, UsageError, parameter, require_positive
from autopelt.report.comparison import write_comparison
from autopelt.study.config import StudyConfig, TrainingConfig, derived_seed
from autopelt.study.facts import BackboneFacts, Facts, TaskFacts
from autopelt.study.ledger import Ledger, Line
from autopelt.study.record import COMPLETE, FAILED, StudyRecord, TrialRecord
from autopelt.system.files import write_text
from autopelt.system.lock import LOCK
from autopelt.system.signals import stoppable
from autopelt.tasks import make_task
from autopelt.training.profile import measured
from autopelt.training.spec import Setup, data_source
from autopelt.workflows.compared import Method
from autopelt.workflows.finalists import finalists
from autopelt.workflows.jobs import Job, Say, run_jobs
from autopelt.workflows.plan import default_threads, score_name, task_facts, versions
from autopelt.workflows.swept import Run, Sweep

RUNS, STATE = "runs.jsonl", "compare.json"
_FRESH = "training with fresh random seeds"


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
        further: how often half the lowest or twice the highest factor is tried as well, while it is
            the best.
        rate_seeds: random seeds that each rate is tried with; their mean chooses.
        finalists: of the methods made by hand, at each budget, so many are trained with all seeds;
            None for all.
        budgets: names of the budgets to compare at, the smallest first; empty for none.
    """

    folder: Path
    config: StudyConfig
    methods: tuple[Method, ...]
    seeds: int
    rates: tuple[float, ...]
    command: str
    rate_seeds: int = 1
    further: int = 0
    finalists: int | None = None
    budgets: tuple[str, ...] = ()

    def run(self, say: Say) -> StudyRecord:
        """Train and measure what is missing, and write the report.

        Raises:
            UsageError: too few seeds, a rate that is none, the folder holds another comparison.
            InfeasibleError: nothing could be trained.
            Stopped: the user interrupted; the same command goes on.
        """
        most = 1 if self.finalists is None else self.finalists
        require_positive(seeds=self.seeds, rate_seeds=self.rate_seeds, finalists=most)
        wrong = [r for r in self.rates if not (0 < r < 1000)]
        if wrong or not self.rates:
            given = ",".join(f"{rate:g}" for rate in self.rates)
            raise UsageError(
                f"{parameter('rates')} '{given}' must be factors above 0 and below 1000, like "
                "0.5,1,2."
            )
        facts = self._begin()
        try:
            for wider in range(self.further + 1):
                what = "choosing learning rates" + (", beyond the best so far" if wider else "")
                self._train(self._rate_jobs(), facts.metric, say, what)
            while self._train(self._seed_jobs(facts.task), facts.metric, say, _FRESH):
                pass  # whom else to train is known better now
            with stoppable(lambda: True, lambda: None):  # a measurement half done is worth nothing
                self._measure(say)
        finally:
            record, rows = self._outcome(facts)
            write_comparison(record, rows, self.folder, self.at_budgets(rows, facts.task))
        if not any(row.scored for row in rows):
            causes = "; ".join(sorted({row.reason for row in rows if row.reason})) or "none began"
            raise InfeasibleError(f"no training of the comparison ended well: {causes}.")
        return record

    @property
    def ledger(self) -> Ledger[Run]:
        """What every training and measurement adds a line to."""
        return Ledger(self.folder / RUNS, Run)

    def rows(self) -> list[Row]:
        """The table as far as it is known."""
        lines = self.ledger.lines()
        return [self._row(method, lines) for method in self.methods]

    def at_budgets(self, rows: Sequence[Row], task: TaskFacts) -> AtBudgets | None:
        """What is found at the budgets; None where there are none."""
        if not self.budgets:
            return None
        return at_budgets(rows, self.budgets, task.selection, self.config.margin)

    # ------------------------------------------------------------------ what must stay the same
    def _begin(self) -> ComparisonFacts:
        """Look at the data, and at what the folder holds; write what must not change."""
        task = make_task(self.config.task)
        setup = Setup.of(self.config)
        task = task.for_model(load_config(setup.source))
        splits = task.load(data_source(setup), report=True)
        for method in self.methods:
            method.check(self.config, splits.facts)
        facts = ComparisonFacts(
            metric=score_name(task),
            task=task_facts(task, splits),
            training=self.config.training,
            random_seed=self.config.random_seed,
            command=self.command,
        )
        state = self.folder / STATE
        if state.is_file():
            self._go_on(state, facts, splits.facts)
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

    def _go_on(self, state: Path, facts: ComparisonFacts, data: DataFacts) -> None:
        """Raise UsageError or UnavailableError where trainings would not be comparable."""
        try:
            before = ComparisonFacts.model_validate_json(state.read_text(encoding="utf-8"))
        except ValueError:
            raise UsageError(f"'{state}' is damaged; give another {parameter('out')}.") from None
        different = [
            key
            for key in ("metric", "training", "random_seed")
            if getattr(before, key) != getattr(facts, key)
        ]
        if before.task.name != facts.task.name:
            different.append("task name")
        if different:
            raise UsageError(
                f"'{self.folder}' holds a comparison with another {', '.join(different)}; "
                f"put it back, or give another {parameter('out')}."
            )
        before.task.recorded.check(facts.task.name, data.recorded, SEARCHED + REPORT)

    # ------------------------------------------------------------------ phases
    def _train(self, jobs: list[Job[Run]], metric: str, say: Say, what: str) -> bool:
        """What is not in the ledger yet, each once; whether there was any."""
        done = self.ledger.done(failed=True)
        wanted = {(job.about, job.random_seed): job for job in reversed(jobs)}
        jobs = [job for key, job in reversed(wanted.items()) if key not in done]
        if jobs:
            say(f"{what}: {len(jobs)} trainings to go")
            # Trainings of one backbone after another, so that a worker keeps it.
            run_jobs(
                sorted(jobs, key=lambda j: j.setup.model), self.ledger,
                workers=self.config.workers, metric=metric, say=say,
            )  # fmt: skip
        return bool(jobs)

    def _rate_jobs(self) -> list[Job[Run]]:
        """Of every rate to choose from, as far as is known now."""
        if not self.sweep.needed:
            return []
        lines = self.ledger.lines()
        rates = {m.key: self.sweep.offered(m.key, lines) for m in self.methods}
        words = [f", random seed {k}" if self.rate_seeds > 1 else "" for k in self._rate_seeds]
        return [
            self._job("rate", m, rate, seed, f"learning rate times {rate:g}{more}")
            for more, seed in zip(words, self._rate_seeds.values(), strict=True)
            for m in self.methods
            for rate in rates[m.key]
        ]

    @property
    def sweep(self) -> Sweep:
        """The rates to choose from; finalists are chosen even where it is a single one."""
        seeds = tuple(self._rate_seeds.values())
        return Sweep(self.rates, self.further, seeds, alone=self.finalists is None)

    @property
    def _rate_seeds(self) -> dict[int, int]:
        """The random seeds that rates are tried with, by their number from 1."""
        names: list[tuple[object, ...]] = [(), *((k,) for k in range(1, self.rate_seeds))]
        own = self.config.random_seed
        return {k: derived_seed(own, "compare", "rate", *n) for k, n in enumerate(names, 1)}

    @property
    def _seeds(self) -> dict[int, int]:
        """The random seeds at the rate chosen, by their number from 1."""
        own = self.config.random_seed
        return {k + 1: derived_seed(own, "compare", k) for k in range(self.seeds)}

    def _seed_jobs(self, task: TaskFacts) -> list[Job[Run]]:
        rows = self.rows()
        places = list(range(len(rows)))
        if self.finalists is not None:
            places = finalists(
                rows, self.budgets or ("",), self.finalists,
                selection=task.selection, margin=self.config.margin, smallest=bool(self.budgets),
            )  # fmt: skip
        return [
            self._job("seed", self.methods[place], rate, seed, f"random seed {k}")
            for k, seed in self._seeds.items()
            for place in places
            if (rate := rows[place].rate) is not None
        ]

    def _job(
        self, kind: Literal["rate", "seed"], m: Method, rate: float, seed: int, words: str
    ) -> Job[Run]:
        about, text = Run(kind, m.key, m.name, rate), m.architecture.to_json()
        training, report = self._training(rate), kind == "seed"
        return Job(f"{m.name}, {words}", about, text, seed, m.setup, training, report)

    def _training(self, rate: float) -> TrainingConfig:
        factor = self.config.training.learning_rate_factor * rate
        return self.config.training.model_copy(update={"learning_rate_factor": factor})

    def _measure(self, say: Say) -> None:
        lines = self.ledger.lines()
        known = {ln.about.method for ln in lines if "times_bare_1" in ln.measured}
        for m, row in zip(self.methods, self.rows(), strict=True):
            rate = row.rate
            if m.key in known or rate is None or not row.trainings:
                continue
            known.add(m.key)
            say(f"measuring {m.name}, alone")
            cost = measured(
                m.architecture.to_json(), m.setup, self._training(rate), default_threads(1), 0
            )
            self.ledger.append(Run("cost", m.key, m.name), cost)

    # ------------------------------------------------------------------ outcome
    def _row(self, m: Method, lines: Sequence[Line[Run]]) -> Row:
        mine = [ln for ln in lines if ln.about.method == m.key]
        rate = self.sweep.chosen(m.key, lines)
        trainings = {
            ln.training.random_seed: ln.training
            for ln in mine
            if ln.about == Run("seed", m.key, rate=rate)
            and ln.training is not None
            and ln.training.random_seed in self._seeds.values()
        }
        return Row(
            m.name,
            m.architecture,
            m.count,
            rate,
            tuple(trainings.values()),
            next((ln.measured for ln in reversed(mine) if ln.about.kind == "cost"), {}),
            next((ln.reason for ln in reversed(mine) if ln.reason), ""),
            rates=self.sweep.offered(m.key, lines),
            role=m.role,
            within=m.within,
            swept=self.sweep.score(m.key, lines),
        )

    def _outcome(self, facts: ComparisonFacts) -> tuple[StudyRecord, list[Row]]:
        rows = self.rows()
        shapes = shapes_of_config(load_config(Setup.of(self.config).source))
        trials = tuple(
            TrialRecord(
                number,
                row.architecture,
                row.count,
                COMPLETE if row.scored or row.left_out else FAILED,
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
