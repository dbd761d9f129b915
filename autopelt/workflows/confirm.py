"""Confirm a study: train the best of it again with fresh random seeds, score the report split.

A search's best score is the luckiest of many. Here the surrogate's posterior mean, not the score,
chooses who is confirmed; everyone gets the same new random seeds; the epoch is chosen on the
selection split; and the report split, which the search never loaded, is scored once at the end.
What is compared there is chosen by the posterior mean given all selection scores, the new ones too.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from autopelt.errors import InfeasibleError, UsageError, command, require_positive
from autopelt.report import build, write_trials_csv
from autopelt.samplers.posterior import beliefs, posterior_means
from autopelt.statistics.pareto import front_of
from autopelt.study.answer import answer
from autopelt.study.config import derived_seed
from autopelt.study.confirmation import CONFIRMED, FOUND, SEED, ConfirmedTrial, ledger
from autopelt.study.database import explained
from autopelt.study.importance import with_importance
from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.study.storage import StudyStorage
from autopelt.system.lock import locked
from autopelt.training.spec import Setup
from autopelt.workflows.compatibility import changed_facts, check_data
from autopelt.workflows.jobs import Job, Say, run_jobs
from autopelt.workflows.options import CONFIRM_SEEDS, CONFIRM_TOP
from autopelt.workflows.plan import Plan


@dataclass(frozen=True)
class Candidate:
    """An architecture that is to be confirmed, why, and its expected score."""

    trial: TrialRecord
    role: str
    believed: float


def candidates(record: StudyRecord, means: dict[int, float], top: int) -> list[Candidate]:
    """The best of the search by expected score, and the best seed architectures.

    Of a search that weighs the score against costs they are of its front; where the score alone
    was asked for, being small is no merit. What the search expects most of is a candidate even
    where a seed architecture dominates it: if that one was only lucky is what a confirmation finds
    out. The smallest that are as good as the best, found and made by hand, are candidates too.

    Args:
        record: the study.
        means: expected score by trial number.
        top: most architectures of either role.

    Raises:
        InfeasibleError: no trial within the budget is complete.
    """
    inside = [t for t in record.architectures if record.feasible(t)]
    if not inside:
        raise InfeasibleError(
            f"study '{record.name}' has no complete trial within the budget; there is nothing to "
            f"confirm. Go on: {command('resume', 'STUDY')}"
        )

    # Of the search alone, so that a confirmation which is interrupted goes on with the same.
    searched = replace(record, confirmed=())

    def rank(trials: list[TrialRecord]) -> list[TrialRecord]:
        ordered = sorted(trials, key=lambda t: (-means[t.number], t.count.deployed, t.number))
        # What a study picks is what is confirmed, by the same rule of equals.
        first = searched.simplest(ordered, lambda t: means[t.number]) if ordered else None
        return sorted(ordered, key=lambda t: t is not first)

    found = rank([t for t in inside if not t.label])
    if record.config.objectives.weigh_costs:
        members = front_of([record.costs(t) for t in inside], [means[t.number] for t in inside])
        on_front = {inside[i].number for i in members}
        found = [t for t in found if t.number in on_front or t is found[0]]
    seeds = rank([t for t in inside if t.label])
    chosen = {t.number: t for t in (*found[:top], *seeds[:top])}
    answered = answer(searched) if record.config.objectives.weigh_costs else None
    for small in answered.smallest[:1] if answered is not None else ():
        chosen |= {t.number: t for t in (small.trial, small.hand) if t is not None}
    return [
        Candidate(t, SEED if t.label else FOUND, means[t.number])
        for t in sorted(chosen.values(), key=lambda t: bool(t.label))
    ]


def confirm_study(
    plan: Plan, folder: Path, *, seeds: int | None, top: int | None, workers: int | None, say: Say
) -> StudyRecord:
    """Confirm under the study's lock, where its data and model are what was searched.

    Args:
        seeds: random seeds for each architecture; None: the study's, or `CONFIRM_SEEDS`.
        top: most architectures of either role; None: `CONFIRM_TOP`.
        workers: trainings at once; None: the study's.

    Raises:
        UsageError: the model has changed, or another process works on the study.
        UnavailableError: the data has changed.
        and as `confirm`.
    """
    config = plan.config
    with locked(folder), explained(folder, config.storage):
        study = StudyStorage.open(folder)
        changed = study.begun_with().differences(config)
        if not changed:
            check_data(study.record(), plan)
            changed = changed_facts(study.record(), plan)
        if changed:
            raise UsageError(
                f"study '{folder}' cannot be confirmed, it is not what was searched any more "
                f"({'; '.join(changed)}); put it back, or search again."
            )
        return confirm(
            study,
            plan,
            seeds=seeds if seeds is not None else config.confirm_seeds or CONFIRM_SEEDS,
            top=CONFIRM_TOP if top is None else top,
            workers=config.workers if workers is None else max(1, workers),
            say=say,
        )


def confirm(
    study: StudyStorage, plan: Plan, *, seeds: int, top: int, workers: int, say: Say
) -> StudyRecord:
    """Train each candidate with `seeds` new random seeds; what was trained before is kept.

    The study must be locked by the caller and its data checked.

    Returns:
        The study with what is confirmed.

    Raises:
        UsageError: `seeds` or `top` is below 1; the report split has changed since.
        InfeasibleError: nothing to confirm, or every training failed.
        Stopped: the user interrupted; the same command goes on.
    """
    require_positive(seeds=seeds, top=top)
    record, config, kept = study.record(), study.config, ledger(study.folder)
    chosen = candidates(record, posterior_means(plan.space, record.complete), top)
    known = {ln.training.data for ln in kept.lines() if ln.training and ln.training.data}
    if known and known != {plan.data.report_hash}:
        raise UsageError(
            f"the report split of study '{study.folder}' is not the one that its confirmation "
            f"began with; put the data back, or delete {study.folder / CONFIRMED} to confirm "
            "afresh."
        )
    jobs = [
        _job(candidate, random_seed, number, study)
        for number, random_seed in enumerate(confirmation_seeds(config.random_seed, seeds), 1)
        for candidate in chosen
    ]
    done = kept.done(failed=False)
    jobs = [job for job in jobs if (job.about, job.random_seed) not in done]
    names = ", ".join(c.trial.name for c in chosen)
    say(f"confirming {names}: {seeds} random seeds each, {len(jobs)} trainings to go")
    try:
        run_jobs(jobs, kept, workers=workers, metric=record.metric, say=say)
    finally:
        trainings = with_fresh_seeds(study.record())
        study.believe(beliefs(plan.space, trainings), confirmed=True)
        record = with_importance(study.record(), config.random_seed)
        build(record, study.folder)
        write_trials_csv(record, study.folder)
    if not any(c.scored for c in record.confirmed):
        reasons = {t.reason for c in record.confirmed for t in c.trainings}
        raise InfeasibleError(
            f"no training of the confirmation ended: {'; '.join(sorted(reasons))}."
        )
    return record


def with_fresh_seeds(record: StudyRecord) -> list[TrialRecord]:
    """All trainings with a selection score, those of the confirmation as trials trained again."""
    trials = {t.number: t for t in record.trials}
    again = [
        (trials[c.trial], t.selection, t.random_seed)
        for c in record.confirmed
        if c.trial in trials
        for t in c.trainings
        if t.selection is not None
    ]
    first = max(trials, default=-1) + 1
    return record.complete + [
        replace(trial, number=n, score=score, random_seed=seed, repeats=trial.number)
        for n, (trial, score, seed) in enumerate(again, first)
    ]


def confirmation_seeds(random_seed: int, count: int) -> list[int]:
    """The random seeds of a confirmation: the first ones are the same for any count."""
    return [derived_seed(random_seed, "confirm", k) for k in range(count)]


def _job(
    candidate: Candidate, random_seed: int, number: int, study: StudyStorage
) -> Job[ConfirmedTrial]:
    trial = candidate.trial
    return Job(
        f"{trial.name}, random seed {number}",
        ConfirmedTrial(trial.number, trial.architecture.id, candidate.role, candidate.believed),
        trial.architecture.to_json(),
        random_seed,
        Setup.of(study.config, study.facts.task),
        study.config.training,
        timeout=study.config.trial_timeout,
    )
