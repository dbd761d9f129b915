"""What `autopelt reproduce` does, once its flags are parsed."""

from pathlib import Path

from rich.console import Console

from autopelt.errors import UsageError
from autopelt.study.lookup import choose_trial, split_study
from autopelt.study.storage import StudyStorage
from autopelt.workflows.plan import make_plan
from autopelt.workflows.reproduce import Epoch, reproduce


def run_reproduce(name: str, data: str | None) -> None:
    """Train a stored trial again and compare."""
    place = split_study(name)
    if place is None:
        raise UsageError(
            f"'{name}' is not a trial of a study; write it like reports/demo-minilm-1pct:12."
        )
    opened = StudyStorage.open(place[0])
    record, config = opened.record(), opened.config
    trial = choose_trial(record, place[1])
    if config.trials_per_worker > 1:
        raise UsageError(
            f"the trials of '{place[0]}' shared batches (--trials-per-worker "
            f"{config.trials_per_worker}), which rounds otherwise than one alone; to the bit only "
            "trials of a study with --trials-per-worker 1 can be trained again."
        )
    if data is not None:
        config = config.model_copy(update={"data": str(Path(data).expanduser().resolve())})
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(
        f"training trial {trial.number} of {place[0]} again, random seed {trial.random_seed}: "
        f"{trial.architecture.describe()}"
    )

    def show(epoch: Epoch) -> None:
        console.print(
            f"  epoch {epoch.number}: {record.metric} {epoch.score:.4f}, loss {epoch.loss:.6f}"
            f"{'' if epoch.same else '  (stored: '}"
            + ("" if epoch.same else f"{epoch.stored_score:.4f}, {epoch.stored_loss:.6f})")
        )

    epochs = reproduce(record, trial, make_plan(config, record.command, place[0]), show)
    words = "1 epoch has its" if epochs == 1 else f"all {epochs} epochs have their"
    console.print(f"Reproduced: {words} stored score and loss, to the bit.")
