"""What a study knows, as plain values: the report, the verdict and the command line read these."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.statistics.pareto import front_of, hypervolume
from autopelt.study.config import StudyConfig
from autopelt.study.confirmation import Confirmation, chosen
from autopelt.study.facts import NEGATIVE, BackboneFacts, TaskFacts, WarmStartFacts
from autopelt.study.objectives import limit_words
from autopelt.study.rungs import Saved
from autopelt.system.notebook import table
from autopelt.system.units import format_score, format_seconds, format_share

COMPLETE, FAILED, RUNNING, STOPPED = "complete", "failed", "running", "stopped"


@dataclass(frozen=True)
class TrialRecord:
    """One trial: an architecture trained once with one random seed.

    Attributes:
        number: number in the study, from 0.
        architecture: what was trained.
        count: its parameters.
        state: ``complete``, ``failed``, ``running`` or ``stopped`` (early).
        label: name of the seed architecture (``unipelt``, ``unipelt~`` when shrunk), else "".
        score: selection score of the best epoch; None until complete.
        scores: selection score after each epoch.
        losses: mean training loss of each epoch.
        metrics: all scores of the best epoch on the selection split, by name.
        without: `score` without each group of the selection split's examples in turn; empty in
            studies of before.
        reason: one line why it failed.
        stopped_because: one sentence why it was stopped early.
        seconds: wall-clock of the trial by phase (``load``, ``trunk``, ``train``, ``score``, …);
            ``propose`` is the driver's and not part of the trial's own time.
        saved: what the trunk cache did: ``trunk`` (seconds that training and scoring would have
            taken longer), ``layers`` (left out of every pass), ``hits`` (splits, of two, whose
            states were there already).
        started, finished: seconds since the epoch (Unix time).
        worker: which worker ran it.
        believed: what the sampler thought before (``mean``, ``sd``, ``acquisition``, ``seconds``).
        random_seed: of the training.
        threads: CPU threads of the training; 0 where it is not known.
        origin: ``seed``, ``warm`` (from another study's front), ``start`` (space-filling),
            ``model`` (proposed by the surrogate) or ``repeat`` (trains an architecture again).
        repeats: number of the first trial of the same architecture where this one trains it again.
        confirmed: scores on the report split, one for each further random seed; usually none.
        log: last line of a failed trial's log.
        costs: what was measured of it, by objective (`autopelt.study.objectives.COSTS`).
    """

    number: int
    architecture: Architecture
    count: Count
    state: str
    label: str = ""
    score: float | None = None
    scores: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    without: tuple[float, ...] = ()
    reason: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    saved: Mapping[str, float] = field(default_factory=dict)
    started: float | None = None
    finished: float | None = None
    worker: str = ""
    believed: Mapping[str, float] = field(default_factory=dict)
    random_seed: int = 0
    threads: int = 0
    origin: str = ""
    confirmed: tuple[float, ...] = ()
    log: str = ""
    stopped_because: str = ""
    costs: Mapping[str, float] = field(default_factory=dict)
    repeats: int | None = None

    @property
    def name(self) -> str:
        """``unipelt~`` for a seed architecture, ``trial 17`` for another."""
        return self.label or f"trial {self.number}"

    def _repr_html_(self) -> str:
        """What a notebook shows: what was trained, what came of it, and how long it took."""
        rows: list[tuple[str, object]] = [
            ("state", self.state),
            ("score", "–" if self.score is None else format_score(self.score)),
            ("parameters", f"{self.count.deployed:,} ({format_share(self.count.share)})"),
            ("architecture", f"{self.architecture.describe()} ({self.architecture.id})"),
            ("time", "–" if self.took is None else format_seconds(self.took)),
        ]
        why = self.reason or self.stopped_because
        return table(f"Trial {self.number} {self.label}".rstrip(), rows, notes=[why] if why else [])

    @property
    def rung(self) -> int | None:
        """Epoch after which it was stopped early, None where it was not."""
        return len(self.scores) if self.state == STOPPED else None

    @property
    def took(self) -> float | None:
        """The time of a trial, wherever one is told: seconds from its start to its end.

        So as a clock on the wall has it, from when it was given to a worker; that includes what
        the worker loads. The sum of its phases where that was not noted; None where neither was.
        """
        if self.started is not None and self.finished is not None:
            return max(0.0, self.finished - self.started)
        phases = [s for phase, s in self.seconds.items() if phase != "propose"]
        return sum(phases) if phases else None

    @property
    def point(self) -> tuple[int, float]:
        """(deployed parameters, score) for the Pareto front; the score is NaN if there is none."""
        return self.count.deployed, float("nan") if self.score is None else self.score


NEAR_RATES = 0.5  # octaves: learning rates that scores of a few trainings cannot tell apart


@dataclass(frozen=True)
class Belief:
    """What is believed of one architecture, given all trainings of the study.

    Attributes:
        mean: expected score of a training of it, collapsed ones counted in.
        sd: standard deviation of that expectation, not of one training; NaN where it is not known.
        learns: chance that a training learns at all; NaN where it is not known.
        trainings: of it that stand behind this.
    """

    mean: float
    sd: float
    learns: float
    trainings: int


@dataclass(frozen=True)
class Importance:
    """What one method, layer or kind of choice has to do with the score, over a study's trials.

    Attributes:
        by: the view: ``method``, ``layer`` or ``choice``.
        name: ``lora``, ``3``, ``embeddings``, ``gates`` …
        explains: share of the scores' variation it explains (fANOVA); a view sums to at most 1.
        apart: how far the best quarter of the trials is apart in it (PED-ANOVA), same scale; None
            with too few trials.
        trend: rank correlation with the score; None for what has no order.
        chance: what the best of three random numbers explains in this view.
    """

    by: str
    name: str
    explains: float
    apart: float | None
    trend: float | None
    chance: float


@dataclass(frozen=True)
class StudyRecord:
    """A study at one moment.

    Attributes:
        name: name of the study, its folder's name.
        config: the resolved configuration.
        command: the command line that made the study.
        metric: name of the task's score (``accuracy``).
        limit: the budget as a number of deployed parameters.
        backbone, task: facts of these.
        head: parameters of the task head, counted apart.
        versions: versions of the packages that matter.
        trials: by number.
        total: trials the study is to have.
        importance: what the score depends on; empty where the trials cannot tell, None until
            somebody works it out.
        confirmed: architectures that were trained again with fresh random seeds.
        warm_start: of the study that this one learned from, or None.
        beliefs: of its trained architectures by id; empty in studies of before.
    """

    name: str
    config: StudyConfig
    command: str
    metric: str
    limit: int
    backbone: BackboneFacts
    task: TaskFacts
    head: int
    versions: Mapping[str, str]
    trials: tuple[TrialRecord, ...]
    total: int
    importance: tuple[Importance, ...] | None = None
    confirmed: tuple[Confirmation, ...] = ()
    warm_start: WarmStartFacts | None = None
    beliefs: Mapping[str, Belief] = field(default_factory=dict)

    @property
    def own_metric(self) -> str:
        """The score as the task has it: ``loss``, of which the study maximises the negative."""
        return self.metric.removeprefix(NEGATIVE)

    @cached_property
    def complete(self) -> list[TrialRecord]:
        """Trials with a final score."""
        return [t for t in self.trials if t.state == COMPLETE and t.score is not None]

    @cached_property
    def _trainings(self) -> dict[Architecture, list[TrialRecord]]:
        found: dict[Architecture, list[TrialRecord]] = {}
        for t in self.complete:
            found.setdefault(t.architecture, []).append(t)
        return found

    @cached_property
    def architectures(self) -> list[TrialRecord]:
        """Every architecture with a final score once: the first complete training of it."""
        return [trainings[0] for trainings in self._trainings.values()]

    def trainings_of(self, trial: TrialRecord) -> list[TrialRecord]:
        """All complete trainings of a trial's architecture, by number."""
        return self._trainings.get(trial.architecture, [])

    @cached_property
    def _believed(self) -> dict[Architecture, Belief]:
        found = {}
        for architecture, trainings in self._trainings.items():
            known = self.beliefs.get(architecture.id) if self.beliefs else None
            if known is None or not math.isfinite(known.mean):
                scores = [t.point[1] for t in trainings]
                known = Belief(sum(scores) / len(scores), math.nan, math.nan, len(scores))
            found[architecture] = known
        return found

    def belief(self, trial: TrialRecord) -> Belief:
        """What is believed of a trial's architecture, else the mean of its observed scores.

        NaN without a complete training: what was never trained is never believed in.
        """
        return self._believed.get(trial.architecture, Belief(math.nan, math.nan, math.nan, 0))

    @property
    def outdated(self) -> bool:
        """Whether a training has ended that `beliefs` do not know: the search was killed then."""
        counts = {a.id: len(trainings) for a, trainings in self._trainings.items()}
        return bool(self.beliefs) and counts != {k: b.trainings for k, b in self.beliefs.items()}

    def expected(self, trial: TrialRecord) -> float:
        """Expected score of a training of a trial's architecture: by this is chosen."""
        return self.belief(trial).mean

    def over(self, trial: TrialRecord) -> str:
        """What a trial is over: ``the budget``, a limit (``latency<1.2``), or "" for neither."""
        if trial.count.deployed > self.limit:
            return "the budget"
        limits = self.config.objectives.limits
        return next((limit_words(n, most) for n, most in limits if self.cost(trial, n) > most), "")

    def feasible(self, trial: TrialRecord) -> bool:
        """Within budget and limits; a reference point over them never counts as feasible."""
        return not self.over(trial)

    @property
    def measured(self) -> tuple[str, ...]:
        """Names of the objectives beside score and parameters, such as ``latency``."""
        return self.config.objectives.measured

    @property
    def watched(self) -> tuple[str, ...]:
        """Names of all measured costs: these objectives, and what has a limit alone."""
        return self.config.objectives.watched

    def cost(self, trial: TrialRecord, name: str) -> float:
        """A measured objective of a trial's architecture, the mean of its trainings; else NaN."""
        known = [t.costs[name] for t in self.trainings_of(trial) or [trial] if name in t.costs]
        return fmean(known) if known else math.nan

    def costs(self, trial: TrialRecord) -> tuple[float, ...]:
        """What is minimised: deployed parameters, then the measured costs."""
        found = [self.cost(trial, name) for name in self.measured]
        return (trial.count.deployed, *(math.inf if math.isnan(c) else c for c in found))

    @cached_property
    def _inside(self) -> list[TrialRecord]:
        return [t for t in self.architectures if self.feasible(t)]

    @cached_property
    def front(self) -> list[TrialRecord]:
        """Pareto front of the architectures within the budget, by growing parameters.

        Of the expected score against parameters and the measured objectives, where there are any.
        """
        inside = self._inside
        members = front_of([self.costs(t) for t in inside], [self.expected(t) for t in inside])
        return [inside[i] for i in members]

    @cached_property
    def ranked(self) -> list[TrialRecord]:
        """The architectures within the budget, those believed in most first."""
        return sorted(self._inside, key=lambda t: (-self.expected(t), t.count.deployed, t.number))

    @property
    def best(self) -> TrialRecord | None:
        """The highest expected score within the budget, simple where simple is as good.

        Of what is expected within a tenth of a deviation of the highest the shortest to describe;
        then by the rate nearest to its methods' own, as higher ones scatter more; of rates that are
        alike the one trained most often. Where no deviation is known, the smallest of equals.
        """
        return self.best_within(self.limit)

    def best_within(self, limit: int) -> TrialRecord | None:
        """`best` under a smaller budget: with at most `limit` deployed parameters."""
        return self._best_of([t for t in self.ranked if t.count.deployed <= limit])

    def _best_of(self, ranked: list[TrialRecord]) -> TrialRecord | None:
        return self.simplest(ranked, self.expected) if ranked else None

    def simplest(
        self, ranked: Sequence[TrialRecord], expected: Callable[[TrialRecord], float]
    ) -> TrialRecord:
        """Of trials, the highest of `expected` first, the one to pick; see `best`."""
        sd = self.belief(ranked[0]).sd
        if not math.isfinite(sd):
            return ranked[0]
        equal = [t for t in ranked if expected(t) >= expected(ranked[0]) - 0.1 * sd]
        shortest = min(t.architecture.description_length for t in equal)
        told = [t for t in equal if t.architecture.description_length == shortest]

        def octaves(t: TrialRecord) -> float:
            return abs(math.log2(t.architecture.learning_rate_multiplier))

        near = min(map(octaves, told)) + NEAR_RATES
        alike = [t for t in told if octaves(t) <= near]
        return min(alike, key=lambda t: (-self.belief(t).trainings, octaves(t)))

    @property
    def best_seed(self) -> TrialRecord | None:
        """The best of the seed architectures, by the same rule: `best` where that is one."""
        best = self.best
        return best if best and best.label else self._best_of([t for t in self.ranked if t.label])

    @property
    def best_found(self) -> TrialRecord | None:
        """The best of what the search proposed, by the same rule: `best` where that is one."""
        best = self.best
        if best and not best.label:
            return best
        return self._best_of([t for t in self.ranked if not t.label])

    @property
    def confirmed_best(self) -> TrialRecord | None:
        """Of what was confirmed, the highest expected score, given also the fresh random seeds."""
        best = chosen(self.confirmed)
        number = None if best is None else best.trial
        return next((t for t in self.trials if t.number == number), None)

    @property
    def floor(self) -> float:
        """Reference score: what the head alone reached, else the lowest expected score, else 0."""
        alone = [self.expected(t) for t in self.architectures if not t.architecture.modules]
        return max(alone, default=min(map(self.expected, self.architectures), default=0.0))

    def point(self, trial: TrialRecord) -> tuple[int, float]:
        """(deployed parameters, expected score) of a trial's architecture."""
        return trial.count.deployed, self.expected(trial)

    def hypervolume(self) -> float:
        """Of expected score against parameters, the budget and `floor`, in decades times score."""
        return hypervolume(list(map(self.point, self._inside)), self.limit, self.floor)

    def collapsed(self, trial: TrialRecord) -> list[TrialRecord]:
        """Trainings of a trial's architecture that learned nothing, where others of it learned.

        These gained less than a quarter of what its best training gains above the head alone or a
        constant answer. Empty where that one gains less than half of what the study's best does.
        """
        alone = [self.expected(t) for t in self.architectures if not t.architecture.modules]
        nothing = max(alone, default=self.task.constant)
        trainings = self.trainings_of(trial)
        if nothing is None or len(trainings) < 2:
            return []
        gain = max(t.point[1] for t in trainings) - nothing
        if gain <= 0 or 2 * gain < max(t.point[1] for t in self.complete) - nothing:
            return []
        return [t for t in trainings if t.point[1] < nothing + gain / 4]

    @property
    def early_stopping(self) -> Saved:
        """Whether trials are stopped early, and what it saved."""
        stopped = [t.rung for t in self.trials if t.rung is not None]
        epochs = self.config.training.epochs
        return Saved.of(self.config.early_stopping, epochs, len(self.complete), stopped)
