"""Train a stored trial again and compare it with what the study keeps, epoch by epoch."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from autopelt.errors import ReproductionError, UsageError
from autopelt.study.record import StudyRecord, TrialRecord
from autopelt.training.results import TrialFailure
from autopelt.training.spec import Setup, TrialSpec
from autopelt.training.trial import run_trial
from autopelt.workflows.compatibility import changed_facts, changed_versions, check_data
from autopelt.workflows.plan import Plan, default_threads


@dataclass(frozen=True)
class Epoch:
    """One epoch, stored and now."""

    number: int
    score: float
    stored_score: float
    loss: float
    stored_loss: float

    @property
    def same(self) -> bool:
        """To the bit."""
        return (self.score, self.loss) == (self.stored_score, self.stored_loss)


def reproduce(
    record: StudyRecord, trial: TrialRecord, plan: Plan, show: Callable[[Epoch], None]
) -> int:
    """Train a trial again with its own random seed and as many CPU threads as it had.

    Args:
        record: the study.
        trial: one of its trials that has scores; one that was stopped early is trained so far.
        plan: the study's configuration against the model and the data as they are now.
        show: told of every epoch.

    Returns:
        How many epochs were trained; all had the stored score and loss, to the bit.

    Raises:
        UsageError: the trial has no scores.
        UnavailableError: the data has changed.
        ReproductionError: the model has changed, or an epoch came out otherwise.
    """
    name = f"trial {trial.number} of study '{record.name}'"
    if not trial.scores or len(trial.scores) != len(trial.losses):
        raise UsageError(
            f"{name} is {trial.state} and has no score to compare with; name another trial."
        )
    check_data(record, plan)
    changed = changed_facts(record, plan)
    if changed:
        raise ReproductionError(f"{name} cannot come out again: {'; '.join(changed)}.")
    spec = TrialSpec(
        number=trial.number,
        architecture=trial.architecture.to_json(),
        random_seed=trial.random_seed,
        setup=Setup.of(plan.config, record.task),
        training=plan.config.training,
        threads=trial.threads or default_threads(plan.config.workers),
    )
    epochs, other = 0, None
    try:
        with closing(run_trial(spec)) as results:
            for score, loss, result in zip(trial.scores, trial.losses, results, strict=False):
                epoch = Epoch(result.epoch, result.score, score, result.loss, loss)
                show(epoch)
                epochs += 1
                other = other or (None if epoch.same else epoch)
    except TrialFailure as error:
        raise ReproductionError(f"{name} does not come out again: {error}.") from None
    if other is not None:
        raise _differs(name, other, changed_versions(record, plan))
    return epochs


def _differs(name: str, epoch: Epoch, versions: str) -> ReproductionError:
    why = f"; versions differ: {versions}" if versions else ""
    return ReproductionError(
        f"{name} does not come out again: epoch {epoch.number} scored {epoch.score:.6g} with "
        f"loss {epoch.loss:.9g}, stored are {epoch.stored_score:.6g} and "
        f"{epoch.stored_loss:.9g}{why}."
    )
