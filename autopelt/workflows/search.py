"""The search loop: the study asks and is told, workers train, the report is kept up to date.

Everything that happens is in the study before anything else hears of it, so a search that is killed
at any moment goes on with `resume`.
"""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna

from autopelt import execution
from autopelt.architecture.architecture import Architecture
from autopelt.errors import InfeasibleError, UnavailableError, UsageError, command
from autopelt.execution import Outcome, TrialSource
from autopelt.report import build, write_trials_csv
from autopelt.samplers import (
    EarlyStopping,
    SpaceExhaustedError,
    distributions,
    make_sampler,
    params_of,
    suggest,
)
from autopelt.samplers.history import History
from autopelt.study.config import CONFIG, derived_seed
from autopelt.study.database import explained
from autopelt.study.record import FAILED, StudyRecord, TrialRecord
from autopelt.study.storage import StudyStorage
from autopelt.system.clock import now
from autopelt.system.files import NO_ROOM
from autopelt.system.lock import locked
from autopelt.system.memory import trim_heap
from autopelt.system.signals import Stopped, stoppable
from autopelt.training.shared_arrays import private_cache
from autopelt.training.spec import Cache, Setup, TrialSpec
from autopelt.training.threads import cpu_threads
from autopelt.views.terminal import TRAINING, View
from autopelt.workflows.beliefs import REPEAT, Beliefs
from autopelt.workflows.best import LOG, WEIGHTS, BestFolder
from autopelt.workflows.compatibility import opened
from autopelt.workflows.entries import Entry
from autopelt.workflows.plan import Plan, default_threads
from autopelt.workflows.progress import Progress
from autopelt.workflows.rate_sweep import next_rate
from autopelt.workflows.tried_backbone import keep_description

if TYPE_CHECKING:
    from autopelt.execution.session import Session

LOST_MACHINES = 2
"""A trial that loses more machines than this fails."""

REPORT_SECONDS, QUICK = 10.0, 0.5
"""The report is built anew at most this often while a search runs; one that takes more than `QUICK`
seconds, as of a thousand trials, less often in proportion: nothing else happens meanwhile."""


def search(
    plan: Plan,
    folder: Path,
    view: View,
    ray_address: str | None = None,
    run: Callable[[TrialSource], None] | None = None,
    session: "Session | None" = None,
) -> StudyRecord:
    """Run a study to its last trial, or go on with one that is in the folder.

    Args:
        plan: the study.
        folder: new, empty, or the study's.
        view: is told what happens.
        ray_address: a running Ray cluster instead of a Ray of our own.
        run: runs the trials; None: Ray does.
        session: of `execution.started`, where Ray has begun to start.

    Raises:
        UsageError: the folder holds another study, or another process works on it.
        InfeasibleError: no trial finished.
        Stopped: the user interrupted; the study can be resumed.
    """
    sampler = _sampler(plan)
    with (
        locked(folder) as killed,
        explained(folder, plan.config.storage),
        private_cache(plan.config.cache_memory) as cache,
    ):
        if killed and (folder / CONFIG).is_file():
            view.message(killed)
        study = opened(plan, folder, sampler, view)
        keep_description(plan.config, folder)
        driver = _Driver(study, plan, sampler, view, cache)
        with stoppable(lambda: driver.stopping, driver.ask_to_stop):
            if run is None:
                with cpu_threads(1):  # the workers have the cores, and two make no proposal faster
                    execution.run_trials(
                        driver,
                        workers=plan.config.workers,
                        threads=default_threads(plan.config.workers),
                        together=plan.config.trials_per_worker,
                        address=ray_address,
                        shared=folder,
                        session=session,
                    )
            else:
                run(driver)
        if not driver.stopping and (words := driver.best.end()):
            view.message(words)
        record = driver.write_report(force=True)
    if driver.stopping:
        raise Stopped
    if driver.hopeless:
        raise InfeasibleError(driver.hopeless)
    if not record.complete:
        reasons = {t.reason for t in record.trials if t.state == FAILED}
        raise InfeasibleError(
            f"no trial of study '{folder}' finished: {'; '.join(sorted(reasons)) or 'none began'}."
        )
    return record


def _sampler(plan: Plan) -> optuna.samplers.BaseSampler:
    early = len(plan.first) - len(plan.seeds)
    return make_sampler(
        plan.config.sampler,
        plan.space,
        plan.config.random_seed,
        # What another study's front fills of the space need not be filled again.
        start=max(2, min(10, (plan.config.trials - len(plan.seeds)) // 5) - early),
        share=plan.config.objectives.share,
        limits=dict(plan.config.objectives.limits),
        source=() if plan.warm is None else plan.warm.observations,
    )


class _Driver:
    """Knows what to train next and what became of it; the `TrialSource` of `run_trials`."""

    def __init__(
        self,
        study: StudyStorage,
        plan: Plan,
        sampler: optuna.samplers.BaseSampler,
        view: View,
        cache: Cache | None,
    ) -> None:
        self.cache = cache
        self.study, self.plan, self.sampler, self.view = study, plan, sampler, view
        self.setup = Setup.of(plan.config, plan.facts.task).anywhere()
        self.early_stopping = EarlyStopping.of(plan.config, plan.space, sampler)
        self.stopping = False
        self.hopeless = ""
        self._again = [t.number for t in study.running()]
        self._seen = {t.architecture.id for t in study.record().trials}
        self._progress: dict[int, Progress] = {}
        self._report_due = 0.0
        self._noted = set(plan.notes)
        self.beliefs = Beliefs(plan, sampler)
        if study.record().outdated:
            self.beliefs.update(study)
        self.best = BestFolder(study)
        self.best.repair()

    # ------------------------------------------------------------------ TrialSource
    def next(self) -> TrialSpec | None:
        """The next training: an interrupted one, a seed architecture, or the sampler's proposal."""
        if self.stopping or self.hopeless:
            return None
        if self._again:
            number = self._again.pop(0)
            if "architecture" in self.study.attributes(number):
                gone: dict[str, Any] = {"scores": [], "losses": [], "score": None, "finished": None}
                self.study.write(number, **gone, stopped_because="")
                return self._spec(number)
            return self._spec(number) if self._proposed(self.study.trial(number)) else self.next()
        record = self.study.record()
        if len(record.trials) >= self.plan.config.trials:
            return None
        # A study that began with other seed architectures has no more of them than a new one.
        enough = sum(t.origin == "seed" for t in record.trials) >= len(self.plan.seeds)
        for entry in self.plan.first:
            if entry.architecture.id in self._seen or (entry.origin == "seed" and enough):
                continue
            return self._spec(self._given(entry))
        further = next_rate(record)
        if further is not None and further.architecture.id not in self._seen:
            return self._spec(self._given(further))
        if self.beliefs.repeats_now(record):
            self.view.doing(None, "choosing which architecture to train again")
            first = self.beliefs.contender(self.study, len(record.trials))
            if first is not None:
                return self._spec(self._trained_again(first))
        self.view.doing(None, self._choosing(record))
        trial = self.study.ask()
        return self._spec(trial.number) if self._proposed(trial) else None

    def doing(self, number: int, text: str) -> None:
        """A trial is busy with what comes before its first epoch."""
        self.view.doing(number, text)

    def progressed(self, number: int, result: dict[str, Any]) -> None:
        """An epoch ended."""
        for note in result["notes"]:
            if note not in self._noted:
                self._noted.add(note)
                self.view.message(note)
        self._progress.setdefault(number, Progress()).add(result)
        costs = self.study.attributes(number).get("costs", {}) | result.get("costs", {})
        kept = {"costs": costs, "without": result.get("without")}
        self.study.write(number, **{key: value for key, value in kept.items() if value})
        self.study.progressed(number, result["score"], result["loss"])
        self.view.progressed(number, result)

    def stops(self, number: int) -> str:
        """Why a trial is to be stopped after the epoch that has just ended, or ""."""
        if self.early_stopping is None:
            return ""
        return self.early_stopping.reason(self.study.trials(), number)

    def finished(self, number: int, outcome: Outcome) -> None:
        """A trial ended; keep its weights if it is the best so far."""
        known = self._progress.pop(number, None)
        if outcome.lost and self._runs_again(number):
            return
        if outcome.failed.startswith(NO_ROOM):  # every further trial would fail as well
            raise UnavailableError(
                f"trial {number} could not be kept ({outcome.failed}); what the study holds is "
                "kept, and the trial runs again. Make room, then: "
                f"{command('resume', self.study.folder)}"
            )
        best = None if known is None else known.best
        if known is not None:
            proposing = self._trial(number).believed.get("seconds")
            seconds = ({} if proposing is None else {"propose": proposing}) | known.seconds
            self.study.write(number, seconds=seconds, saved=known.saved, worker=known.worker)
            if best is not None:
                self.study.write(number, metrics=known.metrics, best_epoch=best["epoch"])
        if outcome.failed or best is None:
            self.study.fail(number, outcome.failed or "it ended without a score")
        elif outcome.stopped:
            self.study.stop(number, outcome.stopped)
        else:
            self.study.complete(number, best["score"], self._trial(number).count.deployed)
        self.beliefs.update(self.study)
        record = self.study.record()
        trial = next(t for t in record.trials if t.number == number)
        self.best.keep(record, trial)
        self._give_up_early(record)
        self.view.finished(trial, record)
        self.write_report()
        trim_heap()

    def _runs_again(self, number: int) -> bool:
        """Give a trial out again whose machine left; not for ever, it may be what felled it."""
        lost = self.study.attributes(number).get("machines_lost", 0) + 1
        self.study.write(number, machines_lost=lost)
        if lost > LOST_MACHINES:
            return False
        self._again.append(number)
        self.view.message(f"the machine of trial {number} left the cluster; the trial runs again")
        return True

    # ------------------------------------------------------------------ starting trials
    def _given(self, entry: Entry) -> int:
        source = {"source": entry.source} if entry.source else {}
        attributes = self._attributes(entry.architecture, entry.origin, entry.label)
        return self._added(entry.architecture, attributes | source)

    def _trained_again(self, first: TrialRecord) -> int:
        attributes = self._attributes(first.architecture, REPEAT, first.label)
        return self._added(first.architecture, attributes | {"repeats": first.number})

    def _added(self, architecture: Architecture, attributes: dict[str, Any]) -> int:
        try:
            params = params_of(self.plan.space.encode(architecture), self.plan.space)
        except UsageError:
            params = {}  # the space cannot say it; the surrogate still learns from it
        known = distributions(self.plan.space)
        return self.study.add(attributes, params, {name: known[name] for name in params})

    def _choosing(self, record: StudyRecord) -> str:
        """What the sampler does next, in words."""
        origins = [t.origin for t in record.trials]
        history = History(started=origins.count("start"), modelled="model" in origins)
        if history.begins(getattr(self.sampler, "start", math.inf)):
            return "choosing what to try next"
        known = sum(t.score is not None for t in record.trials)
        return f"learning from {known} trials which architecture to try next"

    def _proposed(self, trial: optuna.Trial) -> bool:
        """Whether the sampler had a point for the trial; without one the trial has failed."""
        try:
            self._propose(trial)
        except SpaceExhaustedError as error:
            self.study.fail(trial.number, str(error))
            self.view.message(str(error))
            return False
        return True

    def _propose(self, trial: optuna.Trial) -> None:
        begun = time.perf_counter()
        # Of a trial whose parameters were stored before a kill, nobody would ask the sampler again:
        # what it believes, and whether the trial counts as space-filling, would be lost.
        _ = trial.relative_params
        architecture = suggest(trial, self.plan.space)
        believed = {"seconds": time.perf_counter() - begun} | dict(
            self.sampler.belief(trial.number) if hasattr(self.sampler, "belief") else {}
        )
        origin = self.sampler.origin(trial.number) if hasattr(self.sampler, "origin") else "model"
        attributes = self._attributes(architecture, origin, "")
        # The architecture comes last: with it, the trial can be run again after a crash.
        last = attributes.pop("architecture")
        self.study.write(trial.number, **attributes, believed=believed, architecture=last)

    def _attributes(self, architecture: Architecture, origin: str, label: str) -> dict[str, Any]:
        count = self.plan.counter.count(architecture)
        self._seen.add(architecture.id)
        return {
            "trained": count.trained,
            "deployed": count.deployed,
            "origin": origin,
            "label": label,
            "words": architecture.describe(),
            "architecture": architecture.to_json(),
        }

    def _spec(self, number: int) -> TrialSpec:
        random_seed = derived_seed(self.plan.config.random_seed, "trial", number)
        threads = default_threads(self.plan.config.workers)
        self.study.write(number, started=now(), random_seed=random_seed, threads=threads)
        trial = self._trial(number)
        self.view.started(trial, self.study.record())
        keep = trial.count.deployed <= self.plan.limit
        return TrialSpec(
            number=number,
            architecture=trial.architecture.to_json(),
            random_seed=random_seed,
            setup=self.setup,
            training=self.plan.config.training,
            weights=self.best.place(number, WEIGHTS) if keep else None,
            threads=threads,
            order_seed=self.plan.config.order_seed,
            timeout=self.plan.config.trial_timeout,
            cache=self.cache,
            log=self.best.place(number, LOG),
            costs=self.plan.config.objectives.watched,
            general_text=self.plan.config.general_text,
        )

    def _trial(self, number: int) -> TrialRecord:
        return next(t for t in self.study.record().trials if t.number == number)

    # ------------------------------------------------------------------ after a trial
    def _give_up_early(self, record: StudyRecord) -> None:
        """Three failures for one cause before anything worked: more trials would fail as well."""
        ended = [t for t in record.trials if t.finished is not None]
        causes = {t.reason for t in ended}
        if len(ended) >= 3 and all(t.state == FAILED for t in ended) and len(causes) == 1:
            self.hopeless = (
                f"the first {len(ended)} trials all failed for one cause: {causes.pop()}."
            )

    def write_report(self, force: bool = False) -> StudyRecord:
        """Build the report and the table of trials, not too often (`REPORT_SECONDS`).

        Importances take seconds, so only the last report (`force`) has them.
        """
        record = self.study.record()
        begun = time.monotonic()
        if force or begun >= self._report_due:
            self.view.doing(None, "writing the report")
            if force:
                from autopelt.study.importance import with_importance  # takes half a second

                record = with_importance(record, self.plan.config.random_seed)
            build(record, self.study.folder)
            write_trials_csv(record, self.study.folder)
            ended = time.monotonic()
            self._report_due = ended + REPORT_SECONDS * max(1.0, (ended - begun) / QUICK)
            self.view.doing(None, TRAINING)
        return record

    def ask_to_stop(self) -> None:
        """Start nothing more; what runs finishes, and the study can be resumed."""
        self.stopping = True
        with suppress(RuntimeError):  # it came in the middle of another line
            self.view.message("stopping: running trials finish first (Ctrl-C again stops now)")
